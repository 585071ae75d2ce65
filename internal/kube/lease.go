package kube

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// renewals is how often within a grace the deadline of the Job is moved on.
const renewals = 4

// renew moves the deadline of the Job to a grace from now, again and again until stop: a Job whose pod does not run yet
// has no supervisor, and it has to end after this process. stop waits for the last renewal, so that none comes after
// it. lost is called where the Job is gone.
func (c *Cluster) renew(ctx context.Context, created time.Time, lost func(error)) (stop func()) {
	over := make(chan struct{})
	var renewing sync.WaitGroup
	renewing.Go(func() {
		again := time.NewTicker(c.Grace / renewals)
		defer again.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-over:
				return
			case <-again.C:
			}
			// The next renewal makes up for one that fails.
			_, err := c.do(ctx, "", c.deadline(time.Since(created)+c.Grace)...)
			if failure, is := errors.AsType[*Failure](err); is && failure.Kind == Absent {
				lost(fmt.Errorf("%v is gone: it was deleted, or the API server did not respond for %v", c.job, c.Grace))
				return
			}
		}
	})
	return func() { close(over); renewing.Wait() }
}

// deadline is the command that sets the time from the start of the Job after which Kubernetes ends it.
func (c *Cluster) deadline(after time.Duration) []string {
	return []string{"patch", "job", c.job.Name, "--type=merge", "-p",
		fmt.Sprintf(`{"spec": {"activeDeadlineSeconds": %d}}`, int(after/time.Second))}
}
