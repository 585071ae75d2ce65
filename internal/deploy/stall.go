package deploy

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"time"

	"topobench/internal/text"
)

// stall watches whether a log grows. A log that does not grow is a hint, not a failure:
// loading weights can be quiet.
type stall struct {
	log    string
	after  time.Duration
	size   int64
	grew   time.Time
	hinted bool // since it grew last
}

func newStall(log string, after time.Duration, now time.Time) stall {
	return stall{log: log, after: after, grew: now}
}

// check returns a hint once each time that the log has stopped growing.
func (s *stall) check(now time.Time) string {
	if info, err := os.Stat(s.log); err == nil && info.Size() != s.size {
		s.size, s.grew, s.hinted = info.Size(), now, false
	}
	if s.after == 0 || s.hinted || now.Sub(s.grew) < s.after {
		return ""
	}
	s.hinted = true
	return fmt.Sprintf("its log has not grown for %s: %s", s.after, s.log)
}

const (
	logTail    = 256 << 10 // bytes
	errorsKept = 5
)

var errorLine = regexp.MustCompile(`\b(ERROR|CRITICAL|FATAL)\b|Error:|error:|panicked`)

// errorLines are the last lines of a log that name an error; none if it is unreadable.
func errorLines(path string) []string {
	end, err := text.End(path, logTail)
	if err != nil {
		return nil
	}
	found := slices.DeleteFunc(text.Lines(end), func(line string) bool { return !errorLine.MatchString(line) })
	return found[max(0, len(found)-errorsKept):]
}
