package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// gpuEvery is the time between two looks at the GPUs of a cell.
const gpuEvery = 15 * time.Second

// gpuLooks is what was seen of a topology's GPUs while one cell ran.
type gpuLooks struct {
	n       int
	missed  int      // of them, those without an answer
	failure error    // of the latest of those
	blind   bool     // the last look is one of them
	sure    bool     // some look has seen processes of ours: its pids mean something here
	foreign []string // processes that are not ours, each once
	slowed  map[string]bool
}

// watchGPUs looks at the GPUs of a plan now, every gpuEvery, and once more when
// the returned function is called: that has the checks of the cell between. It must
// be called.
func (c *Campaign) watchGPUs(ctx context.Context, p plan.Plan) func() []verdict.Check {
	if !c.looksAt(p.Hardware) {
		return func() []verdict.Check { return nil }
	}
	seen := &gpuLooks{slowed: map[string]bool{}}
	c.lookAtGPUs(ctx, p.Hardware, seen)
	stop := every(ctx, gpuEvery, func(ctx context.Context) { c.lookAtGPUs(ctx, p.Hardware, seen) })
	return func() []verdict.Check {
		stop()
		c.lookAtGPUs(ctx, p.Hardware, seen)
		return seen.checks(p.Hardware)
	}
}

// every does something again and again until stop, which cuts short what is being
// done and waits for it.
func every(ctx context.Context, period time.Duration, do func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		again := time.NewTicker(period)
		defer again.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-again.C:
				do(ctx)
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// lookAtGPUs adds one look; one that ctx has cut off tells nothing.
func (c *Campaign) lookAtGPUs(ctx context.Context, h plan.Hardware, seen *gpuLooks) {
	if ctx.Err() != nil {
		return
	}
	now, err := c.asker(h).State(ctx)
	who, whoErr := gpu.Owners()
	switch err = errors.Join(err, whoErr); {
	case ctx.Err() != nil:
		return
	case err != nil:
		seen.miss(err)
		return
	}
	seen.add(gpu.Foreign(now, h.Devices, who))
	slowed, err := c.asker(h).Slowed(ctx)
	if err != nil {
		return // a driver that does not tell it is no reason to doubt the cell
	}
	for index, reasons := range slowed {
		if slices.Contains(h.Devices, index) {
			seen.slowed[fmt.Sprintf("GPU %d: %s", index, strings.Join(reasons, ", "))] = true
		}
	}
}

// miss counts a look without an answer.
func (l *gpuLooks) miss(err error) { l.n, l.missed, l.failure, l.blind = l.n+1, l.missed+1, err, true }

// add counts a look with what gpu.Foreign says of it.
func (l *gpuLooks) add(foreign []string, sure bool) {
	l.n, l.blind, l.sure = l.n+1, false, l.sure || sure
	for _, f := range foreign {
		if !slices.Contains(l.foreign, f) {
			l.foreign = append(l.foreign, f)
		}
	}
}

// checks judges a cell. A look without an answer leaves it unchecked only where it is
// the last one, or one of too many: the others see a stranger who stays.
// That a GPU was slowed down is noted, and is no fault of the cell.
func (l gpuLooks) checks(h plan.Hardware) []verdict.Check {
	shared := verdict.Check{Name: "gpu-shared", State: verdict.Valid}
	switch {
	case len(l.foreign) > 0:
		shared.State, shared.Detail = verdict.Invalid, "gpu-shared: "+strings.Join(l.foreign, "; ")
	case l.blind || l.missed > l.n-l.missed:
		shared.State, shared.Detail = verdict.Unchecked, l.count()+": "+strings.ReplaceAll(l.failure.Error(), "\n", "; ")
	case !l.sure:
		shared.Detail = fmt.Sprintf("nvidia-smi shows no process of ours (another pid namespace?) in %s: strangers cannot be told", l.count())
	default:
		shared.Detail = fmt.Sprintf("only ours on GPU %s in %s", strings.Trim(fmt.Sprint(h.Devices), "[]"), l.count())
	}
	checks := []verdict.Check{shared}
	if len(l.slowed) > 0 {
		checks = append(checks, verdict.Check{Name: gpuNote, State: verdict.Valid,
			Detail: "slowed down during the cell: " + strings.Join(slices.Sorted(maps.Keys(l.slowed)), "; ")})
	}
	return checks
}

func (l gpuLooks) count() string {
	if l.missed == 0 {
		return fmt.Sprintf("%d looks", l.n)
	}
	return fmt.Sprintf("%d looks, %d without an answer", l.n, l.missed)
}
