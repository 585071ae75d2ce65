package aiperf

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"time"
)

// progressEvery is how soon finished requests are shown, and a stall is looked for.
const progressEvery = 500 * time.Millisecond

// Progress counts the requests of a cell. Asked is 0 while they cannot be counted.
type Progress struct {
	Warm, Done, Asked int
}

// reader counts finished requests in profile_export.jsonl, to which aiperf
// appends one line a request while it runs. It reads each byte once. aiperf 0.1.1
// does not write the file.
type reader struct {
	path   string
	asked  int
	offset int64
	p      Progress
}

func newReader(j Job) *reader {
	return &reader{path: filepath.Join(j.Dir, "profile_export.jsonl"), asked: j.Load.Requests(j.Concurrency)}
}

// read takes in whole lines that were added since the last call. A file that is
// not there counts nothing.
func (r *reader) read() Progress {
	f, err := os.Open(r.path)
	if err != nil {
		return r.p
	}
	defer f.Close()
	r.p.Asked = r.asked
	if _, err := f.Seek(r.offset, io.SeekStart); err != nil {
		return r.p
	}
	data, err := io.ReadAll(io.LimitReader(f, 16<<20))
	if err != nil {
		return r.p
	}
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
