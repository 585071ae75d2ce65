package process

import "time"

// SetPatience shortens the wait for a shepherd that does not answer.
func (c *Child) SetPatience(d time.Duration) { c.patience = d }
