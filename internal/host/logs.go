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
	// headShare: a log that is too large keeps its first sixteenth, which shows how the
	// program was started, and its end.
	headShare = 16
	// grain, in bytes: a hole begins and ends at a multiple of it, which is a multiple of
	// the page and of the block of every file system that makes holes.
	grain = 64 << 10
	// trimEvery is how long a log may grow beyond its limit.
	trimEvery = time.Second

	// LeastLog is the smallest useful limit of a log, in bytes: a reader of its end, such
	// as text.Tail, never reaches the hole.
	LeastLog = 1 << 20
)

// Logs limits what the logs of children take on the disk. The middle of a larger log
// becomes a hole, which reads as zeros and takes no space. The child may write meanwhile,
// and offsets do not change. nil is no limit.
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

// Hole is the hole in one log. From and To are offsets in bytes. Err is why no hole could be
// made: this log and all others grow on.
type Hole struct {
	Path     string
	From, To int64
	Err      error
}

// NewLogs limits each log to limit bytes on the disk, plus one second of output. 0 is no
// limit; a limit below LeastLog is LeastLog.
func NewLogs(limit int64) *Logs {
	if limit <= 0 {
		return nil
	}
	return &Logs{limit: max(limit, LeastLog), every: trimEvery}
}

// add adds a log that is being opened.
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

// Keep trims the logs every second until ctx ends, then once more. It reports each hole
// twice: when it is first made, and at the end, when its place is final.
func (l *Logs) Keep(ctx context.Context, report func(Hole)) {
	if l == nil {
		return
	}
	again := time.NewTicker(l.every)
	defer again.Stop()
	for ctx.Err() == nil {
		l.trim(report)
		select {
		case <-ctx.Done():
		case <-again.C:
		}
	}
	l.trim(report)
	for _, f := range l.all() {
		if f.to > 0 {
			report(Hole{Path: f.path, From: f.from, To: f.to})
		}
	}
}

// all are the logs so far. Only Keep changes their holes.
func (l *Logs) all() []*logFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.files)
}

// trim checks each log once.
func (l *Logs) trim(report func(Hole)) {
	for _, f := range l.all() {
		if l.failed {
			return
		}
		first := f.to == 0
		err := f.trim(l.limit)
		l.failed = err != nil
		if err != nil || first && f.to > 0 {
			report(Hole{Path: f.path, From: f.from, To: f.to, Err: err})
		}
	}
}

// trim makes the hole of one log as large as it has to be. A log that was removed needs
// none.
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
	if to < f.to { // the file was truncated, and has grown again
		begin = from
	}
	if err := punch(f.path, begin, to); err != nil {
		return err
	}
	f.from, f.to = from, to
	return nil
}

// hole is the part to remove from a log of that size; nothing where to <= from. At most
// limit bytes and a grain stay.
func hole(size, limit int64) (from, to int64) {
	from = limit / headShare / grain * grain
	return from, (size - (limit - from)) / grain * grain
}
