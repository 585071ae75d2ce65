package process

import "time"

// SetPatience shortens the wait for a shepherd that does not answer.
func (c *Child) SetPatience(d time.Duration) { c.patience = d }

// SetEvery shortens the time between two looks at the logs.
func (l *Logs) SetEvery(d time.Duration) { l.every = d }

// HoleIn is the hole of a log of that size.
func HoleIn(size, limit int64) (from, to int64) { return hole(size, limit) }
