package aiperf

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"time"
)

// progressEvery is the interval at which records are read and a stall is checked for.
const progressEvery = 500 * time.Millisecond

// Progress counts the requests of a cell. Asked is 0 until there is a record file to
// count them in.
type Progress struct {
	Warm, Done, Asked int
}

// reader counts finished requests in aiperf's record file, to which aiperf appends a line
// for each request. It reads each byte once. aiperf 0.1.1 writes no such file.
type reader struct {
	path   string
	asked  int
	offset int64
	p      Progress
}

func newReader(j Job) *reader {
	return &reader{path: filepath.Join(j.Dir, RecordsName), asked: j.Load.Requests(j.Concurrency)}
}

// read counts the whole lines that aiperf has added since the last call.
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
