package run

import (
	"context"
	"fmt"
	"sync"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/journal"
)

// StorageError ends a run whose results can no longer be kept: there is no point in
// measuring on.
type StorageError struct{ Err error }

func (e *StorageError) Error() string {
	return fmt.Sprintf("cannot keep what is measured: %v", e.Err)
}

func (e *StorageError) Unwrap() error { return e.Err }

// storage is what Guard and the journal share.
type storage struct {
	unwritten sync.Once   // a record's fault was said
	lost      func(error) // ends the run; nil without a guard
}

// storageEvery is how soon it is noticed that the run's directory is gone.
const storageEvery = time.Second

// Guard watches over what the run writes, until stop: its logs stay small, and the
// context ends with *StorageError when the journal cannot be written, the run's
// directory is gone, or less than reserve bytes are left on its disk, which the
// results measured so far still need.
func (c *Campaign) Guard(ctx context.Context, reserve uint64) (guarded context.Context, stop func()) {
	guarded, cancel := context.WithCancelCause(ctx)
	c.storage.lost = func(err error) { cancel(&StorageError{Err: err}) }
	// It goes on in a teardown, when services write as well.
	watch, end := context.WithCancel(context.WithoutCancel(ctx))
	var watches sync.WaitGroup
	watches.Go(func() { c.watchStorage(watch, reserve) })
	watches.Go(func() { c.Starter.Logs.Keep(watch, c.cut) })
	return guarded, func() {
		end()
		watches.Wait()
		cancel(nil)
	}
}

func (c *Campaign) watchStorage(ctx context.Context, reserve uint64) {
	again := time.NewTicker(storageEvery)
	defer again.Stop()
	for {
		if err := c.storageFault(reserve); err != nil {
			c.storage.lost(err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// storageFault says why nothing more can be kept, or nil.
func (c *Campaign) storageFault(reserve uint64) error {
	if err := c.Run.Check(); err != nil {
		return err
	}
	space, err := host.Disk(c.Run.Path())
	if err != nil || space.Bytes >= reserve { // a system that does not tell is no fault
		return nil
	}
	return fmt.Errorf("only %s are left on the disk of %s, and less than %s (a sixteenth of --min-free) is kept for what was measured: free some space or use another artifacts root",
		artifacts.Size(space.Bytes), c.Run.Path(), artifacts.Size(reserve))
}

// cut tells of what was done to a log.
func (c *Campaign) cut(h host.Hole) {
	if h.Err != nil {
		c.Journal.Note(journal.LogNotCut{Log: h.Path, Error: h.Err.Error()})
		c.Screen.Note(fmt.Sprintf("cannot keep the logs small (--log-cap), they grow on: %s: %v", h.Path, h.Err))
		return
	}
	c.Journal.Note(journal.LogCut{Log: h.Path, From: h.From, To: h.To})
}

// End writes the journal's last line, which says that the run ended by itself, and
// whether it left something.
func (c *Campaign) End(dirty bool) {
	c.Journal.Note(journal.RunEnd{Dirty: dirty})
}

// Recorded takes the error of a record that a run keeps of itself, such as its journal.
// It is said once a run; if the disk is why, the run ends: nothing else could be kept
// either.
func (c *Campaign) Recorded(err error) {
	if err == nil {
		return
	}
	c.storage.unwritten.Do(func() { c.Screen.Note(err.Error()) })
	if artifacts.DiskFault(err) && c.storage.lost != nil {
		c.storage.lost(err)
	}
}
