package aiperf

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// progressEvery is the interval between two checks for new records and for a stall.
const progressEvery = 500 * time.Millisecond

// Progress counts the finished requests of a cell. Asked is the number of requests to
// measure, and 0 until the record file exists.
type Progress struct {
	Warm, Done, Asked int
}

// reader counts finished requests in aiperf's record file, which has a line for each request.
// It reads each byte once. aiperf 0.1.1 writes no such file.
type reader struct {
	path   string
	asked  int
	offset int64
	p      Progress
}

func newReader(j Job) *reader {
	return &reader{path: filepath.Join(j.Dir, RecordsName), asked: j.Load.Requests(j.Concurrency)}
}

// read counts the complete lines that aiperf has added since the last call.
func (r *reader) read(ctx context.Context, on Machine, within time.Duration) Progress {
	data, err := get(ctx, on, r.path, r.offset, 16<<20, within)
	if err != nil {
		return r.p
	}
	r.p.Asked = r.asked
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	r.offset += int64(len(whole))
	for line := range bytes.Lines(whole) {
		if bytes.Contains(line, []byte(`"benchmark_phase":"warmup"`)) {
			r.p.Warm++
		} else {
			r.p.Done++
		}
	}
	return r.p
}

// stall detects that a cell has hung. Without a record file, and while aiperf writes its
// results after the last request, only the deadline applies.
type stall struct {
	Limits
	began     time.Time
	completed int
	since     time.Time // of the last completed request
}

func newStall(l Limits, now time.Time) stall { return stall{Limits: l, began: now, since: now} }

// check returns why the cell has hung, or "". server is true if the requests hang, and false
// if aiperf itself does.
func (s *stall) check(p Progress, now time.Time) (why string, server bool) {
	if p.Asked == 0 {
		if s.Records > 0 && now.Sub(s.began) > s.Records {
			return fmt.Sprintf("aiperf hangs: no %s %s after its start", RecordsName, s.Records), false
		}
		return "", false
	}
	if n := p.Warm + p.Done; n != s.completed {
		s.completed, s.since = n, now
	}
	limit := s.Next
	if s.completed == 0 {
		limit = s.First
	}
	if p.Done >= p.Asked || now.Sub(s.since) <= limit {
		return "", false
	}
	return fmt.Sprintf("stalled: no request has completed for %s (%d of %d had)", limit, p.Done, p.Asked), true
}
