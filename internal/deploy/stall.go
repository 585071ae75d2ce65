package deploy

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"topobench/internal/text"
)

// stall watches whether a log grows. A log that does not grow is a hint, not a failure:
// loading weights can be quiet.
type stall struct {
	host   Host
	log    string
	shown  string // its name in messages
	after  time.Duration
	size   int64 // as far as it was read
	grew   time.Time
	hinted bool // since it grew last
}

func newStall(h Host, log string, after time.Duration, now time.Time) stall {
	return stall{host: h, log: log, shown: log, after: after, grew: now}
}

// check returns a hint once each time that the log has stopped growing.
func (s *stall) check(ctx context.Context, now time.Time) string {
	if s.after == 0 {
		return ""
	}
	if added, err := s.host.Get(ctx, s.log, s.size, logTail); err == nil && len(added) > 0 {
		s.size, s.grew, s.hinted = s.size+int64(len(added)), now, false
	}
	if s.hinted || now.Sub(s.grew) < s.after {
		return ""
	}
	s.hinted = true
	return fmt.Sprintf("its log has not grown for %s: %s", s.after, s.shown)
}

const (
	logTail    = 256 << 10 // bytes
	errorsKept = 5
)

var errorLine = regexp.MustCompile(`\b(ERROR|CRITICAL|FATAL)\b|Error:|error:|panicked`)

// errorLines are the last lines of a log that name an error; none if it is unreadable.
func errorLines(ctx context.Context, h Host, path string) []string {
	end, err := h.Get(ctx, path, -logTail, logTail)
	if err != nil {
		return nil
	}
	found := slices.DeleteFunc(text.Lines(end), func(line string) bool { return !errorLine.MatchString(line) })
	return found[max(0, len(found)-errorsKept):]
}
