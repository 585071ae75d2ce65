// Package journal records what a run does: typed events, one JSON object a line.
//
// There are two classes of events. A Started process is in the file before it
// runs, so that a later process can find it. Every other event goes through a
// bounded queue: a disk that hangs delays neither a measurement nor a teardown.
// Read returns the events of a journal, also after a crash at any byte.
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
	// closeWithin is how long Close waits for the disk.
	closeWithin = 10 * time.Second
)

// Journal is the record of the run that this process conducts. Its methods may
// be called from several goroutines.
type Journal struct {
	file    *file
	failed  func(error)
	queue   chan job
	written chan struct{} // closed when the queue is closed and empty

	mu     sync.Mutex // guards closed and dropped
	closed bool
	lost   int // events that found the queue full
}

// job is an event on its way to the file; done, if set, receives the result.
type job struct {
	at    time.Time
	event Event
	done  chan error
}

// Open opens the journal at path, new or existing. A torn last line, as a crash
// leaves it, is cut off; any other damage is an error. failed receives the error
// of an event that could not be written; it may be nil.
func Open(path string, failed func(error)) (*Journal, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	if failed == nil {
		failed = func(error) {}
	}
	j := &Journal{file: f, failed: failed, queue: make(chan job, queueLength), written: make(chan struct{})}
	go j.write()
	return j, nil
}

// write is the only user of the file.
func (j *Journal) write() {
	defer close(j.written)
	for next := range j.queue {
		err := j.file.append(next.at, next.event, durable(next.event))
		if next.done != nil {
			next.done <- err
		} else if err != nil {
			j.failed(err)
		}
	}
}

// durable events are on the disk, and not only in the kernel's memory, before the
// next one is written: a result, a launch, and whatever is left running.
func durable(e Event) bool {
	switch e := e.(type) {
	case CellDone, LaunchBegin, TeardownDirty:
		return true
	case RunEnd:
		return e.Dirty
	}
	return false
}

// Note records an event and does not wait for the disk. A full queue drops the
// event; failed learns how many were dropped when the journal is closed.
func (j *Journal) Note(e Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return
	}
	select {
	case j.queue <- job{at: time.Now(), event: e}:
	default:
		j.lost++
	}
}

// Write records an event and returns when it is in the file, or when ctx ends.
func (j *Journal) Write(ctx context.Context, e Event) error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return fmt.Errorf("cannot journal %q: the journal %s is closed", e.Kind(), j.file.path)
	}
	done := make(chan error, 1)
	var full error
	select {
	case j.queue <- job{at: time.Now(), event: e, done: done}:
	default:
		full = fmt.Errorf("cannot journal %q: %d events wait for the disk of %s", e.Kind(), queueLength, j.file.path)
	}
	j.mu.Unlock()
	if full != nil {
		return full
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("cannot journal %q: the disk of %s does not answer: %w", e.Kind(), j.file.path, context.Cause(ctx))
	}
}

// Close writes what is queued and closes the file. A disk that does not answer
// within ten seconds is an error, and the rest of the queue is lost.
func (j *Journal) Close() error {
	j.mu.Lock()
	already := j.closed
	if !already {
		j.closed = true
		close(j.queue)
	}
	lost := j.lost
	j.mu.Unlock()
	if already {
		return nil
	}
	select {
	case <-j.written:
	case <-time.After(closeWithin):
		return fmt.Errorf("cannot close the journal %s: the disk has not answered within %s", j.file.path, closeWithin)
	}
	var dropped error
	if lost > 0 {
		dropped = fmt.Errorf("the journal %s lacks %d events: its disk was too slow", j.file.path, lost)
	}
	return errors.Join(dropped, j.file.close())
}
