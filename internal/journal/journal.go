// Package journal records the events of a run, one JSON object a line.
//
// Write returns when its event is in the file: the record of a start must be there
// before the process runs, so that a later process can find that process. Note puts an
// event into a bounded queue: a disk that hangs delays neither a measurement nor a
// teardown. Read returns the events of a journal, also after a crash at any byte.
package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// queueLength bounds the events that wait for a slow disk. A run of nine
	// concurrencies writes about 200.
	queueLength = 4096
	// closeWithin bounds how long Close waits for the disk.
	closeWithin = 10 * time.Second
)

// Journal is the record of the run of this process. Its methods may be called from
// several goroutines.
type Journal struct {
	file    *file
	failed  func(error)
	within  time.Duration // closeWithin, but for tests
	queue   chan job
	written chan struct{} // closed when the queue is closed and empty

	mu      sync.Mutex // guards the fields below, and sending on queue
	closed  bool
	dropped int // events that found the queue full
	gap     int // of them, since the last event that found room
}

// job is an event on its way to the file.
type job struct {
	at    time.Time
	event Event
	gap   int        // events that were dropped just before this one
	done  chan error // receives the result; nil for Note
}

// Open opens the journal at path, new or existing. It cuts off a torn last line, as
// a crash leaves it; any other damage is an error. failed receives the error of an
// event of Note that could not be written; it may be nil.
func Open(path string, failed func(error)) (*Journal, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	if failed == nil {
		failed = func(error) {}
	}
	return start(f, failed), nil
}

func start(f *file, failed func(error)) *Journal {
	j := &Journal{file: f, failed: failed, within: closeWithin,
		queue: make(chan job, queueLength), written: make(chan struct{})}
	go j.write()
	return j
}

// write moves events from the queue to the file, of which it is the only user.
func (j *Journal) write() {
	defer close(j.written)
	for next := range j.queue {
		j.writeGap(next.at, next.gap)
		err := j.file.append(next.at, next.event, durable(next.event))
		if next.done != nil {
			next.done <- err
		} else if err != nil {
			j.failed(err)
		}
	}
	j.mu.Lock()
	gap := j.gap
	j.mu.Unlock()
	j.writeGap(time.Now(), gap)
}

func (j *Journal) writeGap(at time.Time, n int) {
	if n == 0 {
		return
	}
	if err := j.file.append(at, Dropped{Count: n}, false); err != nil {
		j.failed(err)
	}
}

// durable events are on the disk, and not only in the kernel's memory, before the
// next one is written: a result, a launch, and what is left running. Others, such as
// Started, need to survive the death of this process only.
func durable(e Event) bool {
	switch e := e.(type) {
	case CellDone, LaunchBegin, TeardownDirty:
		return true
	case RunEnd:
		return e.Dirty
	}
	return false
}

// Note records an event and does not wait for the disk. A full queue drops the event:
// a Dropped event counts them in the file, and Close reports them.
func (j *Journal) Note(e Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.closed && !j.enqueue(job{at: time.Now(), event: e}) {
		j.dropped, j.gap = j.dropped+1, j.gap+1
	}
}

// enqueue reports whether there was room. The caller holds the lock.
func (j *Journal) enqueue(next job) bool {
	next.gap = j.gap
	select {
	case j.queue <- next:
		j.gap = 0
		return true
	default:
		return false
	}
}

// Write records an event and returns when it is in the file, or when ctx ends.
func (j *Journal) Write(ctx context.Context, e Event) error {
	done := make(chan error, 1)
	j.mu.Lock()
	closed := j.closed
	queued := !closed && j.enqueue(job{at: time.Now(), event: e, done: done})
	j.mu.Unlock()
	switch {
	case closed:
		return fmt.Errorf("cannot journal %q: the journal %s is closed", e.Kind(), j.file.path)
	case !queued:
		return fmt.Errorf("cannot journal %q: %d events wait for the disk of %s", e.Kind(), queueLength, j.file.path)
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("cannot journal %q: the disk of %s does not answer: %w",
			e.Kind(), j.file.path, context.Cause(ctx))
	}
}

// Close writes the queued events and closes the file. It fails if the disk does not
// answer within ten seconds, and if events were dropped. A second Close does nothing.
func (j *Journal) Close() error {
	j.mu.Lock()
	already, dropped := j.closed, j.dropped
	if !already {
		j.closed = true
		close(j.queue)
	}
	j.mu.Unlock()
	if already {
		return nil
	}
	var lost error
	if dropped > 0 {
		lost = fmt.Errorf("the journal %s lacks %d events: its disk was too slow", j.file.path, dropped)
	}
	select {
	case <-j.written:
		return errors.Join(lost, j.file.close())
	case <-time.After(j.within):
		return errors.Join(lost, fmt.Errorf("cannot close the journal %s: its disk has not answered within %s, "+
			"and %d events wait for it", j.file.path, j.within, len(j.queue)+1))
	}
}
