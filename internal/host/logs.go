package host

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// headShare: of a log that is too large the first sixteenth stays, which says how
	// the program was started, and of the rest its end.
	headShare = 16
	// grain: a hole begins and ends at a multiple of it, which is one of the page and
	// of the block of every file system that makes holes.
	grain = 64 << 10
	// trimEvery is how long a log may grow beyond its size.
	trimEvery = time.Second

	// LeastLog is the smallest useful size of a log, in bytes: what reads the end of
	// one, Tail among others, then never comes to the hole.
	LeastLog = 1 << 20
)

// Logs keeps the logs of children within a size on the disk. The middle of a log
// that grows beyond it becomes a hole, which reads as zeros and takes no space. The
// child, which may be writing, does not notice, and offsets stay what they were.
// nil is no limit.
type Logs struct {
	limit int64
	every time.Duration

	mu    sync.Mutex
	files []*logFile

	failed bool // this file system makes no holes; only Keep knows
}

type logFile struct {
	path     string
	from, to int64 // its hole, in bytes
}

// Hole is what was done to one log. From and To are offsets in bytes. Err says that
// no hole could be made: this log and all others grow on.
type Hole struct {
	Path     string
	From, To int64
	Err      error
}

// NewLogs limits each log to so many bytes on the disk, and what is written in a
// second. 0 is no limit; less than LeastLog is as much.
func NewLogs(limit int64) *Logs {
	if limit <= 0 {
		return nil
	}
	return &Logs{limit: max(limit, LeastLog), every: trimEvery}
}

// add takes up a log that is being opened.
func (l *Logs) add(path string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.ContainsFunc(l.files, func(f *logFile) bool { return f.path == path }) {
		l.files = append(l.files, &logFile{path: path})
	}
}

// Keep trims the logs every second until ctx ends, then once more. It tells of each
// hole twice: when it is first made, and in the end, when its place is final.
func (l *Logs) Keep(ctx context.Context, tell func(Hole)) {
	if l == nil {
		return
	}
	again := time.NewTicker(l.every)
	defer again.Stop()
	for ctx.Err() == nil {
		l.trim(tell)
		select {
		case <-ctx.Done():
		case <-again.C:
		}
	}
	l.trim(tell)
	for _, f := range l.all() {
		if f.to > 0 {
			tell(Hole{Path: f.path, From: f.from, To: f.to})
		}
	}
}

// all are the logs so far. Only Keep touches what they point to.
func (l *Logs) all() []*logFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.files)
}

// trim looks at each log once.
func (l *Logs) trim(tell func(Hole)) {
	for _, f := range l.all() {
		if l.failed {
			return
		}
		first := f.to == 0
		err := f.trim(l.limit)
		l.failed = err != nil
		if err != nil || first && f.to > 0 {
			tell(Hole{Path: f.path, From: f.from, To: f.to, Err: err})
		}
	}
}

// trim makes the hole of one log as large as it has to be. A log that is not there
// any more needs none.
func (f *logFile) trim(limit int64) error {
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	from, to := hole(info.Size(), limit)
	if to <= from || to == f.to {
		return nil
	}
	begin := max(from, f.to)
	if to < f.to { // somebody cut the file, and it has grown anew
		begin = from
	}
	if err := punch(f.path, begin, to); err != nil {
		return err
	}
	f.from, f.to = from, to
	return nil
}

// hole is the part of a log of that size that must go: nothing where to <= from.
// What stays is at most limit bytes and a grain.
func hole(size, limit int64) (from, to int64) {
	from = limit / headShare / grain * grain
	return from, (size - (limit - from)) / grain * grain
}
