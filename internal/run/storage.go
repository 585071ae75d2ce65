package run

import (
	"context"
	"fmt"
	"sync"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/journal"
	"topobench/internal/ui"
)

// StorageError ends a run whose further results could not be kept.
type StorageError struct{ Err error }

func (e *StorageError) Error() string { return fmt.Sprintf("cannot keep results: %v", e.Err) }

func (e *StorageError) Unwrap() error { return e.Err }

// disk is the state of the disk that a run writes to.
type disk struct {
	screen   *ui.View
	reported sync.Once // the fault of a record

	mu   sync.Mutex
	lost func(error) // ends the run; nil before WatchDisk
	stop func()      // ends WatchDisk
}

// recorded takes the error of a record that the run keeps of itself, such as its journal.
// The first one is shown. A fault of the disk ends the run, since results would fail too.
func (d *disk) recorded(err error) {
	if err == nil {
		return
	}
	d.reported.Do(func() { d.screen.Note(err.Error()) })
	d.mu.Lock()
	lost := d.lost
	d.mu.Unlock()
	if artifacts.DiskFault(err) && lost != nil {
		lost(err)
	}
}

// recordWithin bounds the wait for a disk that hangs.
const recordWithin = 30 * time.Second

// record returns when an event is in the file, which what follows relies on: a continuation of a killed run goes on in
// the artifacts_N of its launch. A fault ends the run as that of any other record does.
func (r *Runner) record(ctx context.Context, e journal.Event) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	r.disk.recorded(r.Journal.Write(ctx, e))
}

// release ends the watch of the disk.
func (d *disk) release() {
	d.mu.Lock()
	stop := d.stop
	d.stop = nil
	d.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// diskEvery is how soon a removed run directory is noticed.
const diskEvery = time.Second

// WatchDisk keeps the logs below their cap until Close. The context ends with *StorageError
// when the journal cannot be written, the run's directory is gone, or less than
// Options.Reserve is left on its disk, which the results so far still need.
func (r *Runner) WatchDisk(ctx context.Context) context.Context {
	guarded, cancel := context.WithCancelCause(ctx)
	watch, end := context.WithCancel(context.WithoutCancel(ctx)) // services write in a teardown as well
	var watches sync.WaitGroup
	r.disk.mu.Lock()
	r.disk.lost = func(err error) { cancel(&StorageError{Err: err}) }
	r.disk.stop = func() { end(); watches.Wait(); cancel(nil) }
	r.disk.mu.Unlock()
	watches.Go(func() { r.here.starter.Logs.Keep(watch, r.noteHole) })
	watches.Go(func() {
		again := time.NewTicker(diskEvery)
		defer again.Stop()
		for {
			if err := r.diskFault(); err != nil {
				cancel(&StorageError{Err: err})
				return
			}
			select {
			case <-watch.Done():
				return
			case <-again.C:
			}
		}
	})
	return guarded
}

// diskFault is the reason why further results could not be kept, or nil.
func (r *Runner) diskFault() error {
	if err := r.Dir.Check(); err != nil {
		return err
	}
	space, err := host.Disk(r.Dir.Path())
	if err != nil || space.Bytes >= r.Reserve { // a system that does not report it has no fault
		return nil
	}
	return fmt.Errorf("only %s are left on the disk of %s, and %s (a sixteenth of --min-free) are reserved for "+
		"results: free some space or use another artifacts root", artifacts.Size(space.Bytes), r.Dir.Path(),
		artifacts.Size(r.Reserve))
}

// noteHole records that the middle of a log was removed, or why it could not be.
func (r *Runner) noteHole(h host.Hole) {
	if h.Err != nil {
		r.Journal.Note(journal.LogNotCut{Log: h.Path, Error: h.Err.Error()})
		r.Screen.Note(fmt.Sprintf("cannot keep the logs small (--log-cap), they grow on: %s: %v", h.Path, h.Err))
		return
	}
	r.Journal.Note(journal.LogCut{Log: h.Path, From: h.From, To: h.To})
}
