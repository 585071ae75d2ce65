package host

import (
	"time"

	"topobench/internal/host/proc"
)

// LeftoversOfInit is Leftovers of a process that has pid 1.
func LeftoversOfInit() ([]proc.Proc, error) {
	all, err := proc.Snapshot()
	return leftovers(all, true, nil), err
}

// Orphans are the processes to kill after the child's shepherd was killed.
func (c *Child) Orphans(all []proc.Proc, pid1 bool) []proc.Proc { return c.ownOrphans(all, pid1) }

// SetPatience shortens the wait for a shepherd that does not answer.
func (c *Child) SetPatience(d time.Duration) { c.patience = d }

// SetEvery shortens the time between two looks at the logs.
func (l *Logs) SetEvery(d time.Duration) { l.every = d }

// HoleIn is the hole of a log of that size.
func HoleIn(size, limit int64) (from, to int64) { return hole(size, limit) }
