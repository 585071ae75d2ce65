package run

import (
	"context"
	"strings"
	"testing"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/ui"
)

// A topology that was made anew and did not come up the second time: what that took is
// no share of ours. One that never came up is not in the table at all.
func TestTimesOfALaunchThatFailed(t *testing.T) {
	lost := Times{Engine: 3 * time.Second, AIPerf: 5 * time.Second, Total: 39 * time.Second}
	if lost.failed(30 * time.Second); lost.Own() != time.Second {
		t.Errorf("own %s", lost.Own())
	}
	var never Times
	if never.failed(30 * time.Second); never != (Times{}) {
		t.Errorf("got %+v", never)
	}
}

// What is waited for others is time of nobody: GPUs that they use, and a hold.
func TestStopwatchLeavesOutWhatWasWaited(t *testing.T) {
	const pause = 100 * time.Millisecond
	c := &Runner{}
	began, took := time.Now(), c.stopwatch()
	c.waitFor(func() { <-time.After(pause) })
	own := took()
	if wall := time.Since(began); own < 0 || own > wall-pause {
		t.Errorf("%s of %s", own, wall)
	}
}

func TestWaitForGPUsIsNotCounted(t *testing.T) {
	c := &Runner{Options: Options{Screen: ui.New(ui.Options{Out: new(strings.Builder), Now: time.Now})}}
	defer c.Screen.Close()
	ctx, cancel := context.WithCancel(t.Context())
	c.WaitGPUs = time.Hour
	asked := 0
	err := c.whenFree(ctx, func() error {
		if asked++; asked == 1 {
			time.AfterFunc(100*time.Millisecond, cancel)
		}
		return &deploy.GPUsBusyError{}
	})
	if err == nil || c.waited < 100*time.Millisecond || c.waited > waitEvery {
		t.Errorf("%v after %s", err, c.waited)
	}
}
