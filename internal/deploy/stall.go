package deploy

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"
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

var (
	ansi      = regexp.MustCompile("\x1b\\[[0-9;]*m")
	errorLine = regexp.MustCompile(`\b(ERROR|CRITICAL|FATAL)\b|Error:|error:|panicked`)
)

// errorLines are the last lines of a log that name an error.
func errorLines(path string) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > logTail {
		if _, err := f.Seek(-logTail, io.SeekEnd); err != nil {
			return nil
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, logTail))
	if err != nil {
		return nil
	}
	var found []string
	endOfLine := func(r rune) bool { return r == '\n' || r == '\r' }
	for _, line := range bytes.FieldsFunc(ansi.ReplaceAll(data, nil), endOfLine) {
		if errorLine.Match(line) {
			found = append(found, string(line))
		}
	}
	return found[max(0, len(found)-errorsKept):]
}
