package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"topobench/internal/run"
)

// signals are the steps by which a user stops a command: the first signal ends ctx, the second ends force, and the
// third closes abandon.
type signals struct {
	ctx     context.Context
	force   context.Context
	abandon chan struct{}
	stop    func()
}

// sameSignal is the time within which signals other than SIGINT count once. timeout(1) signals its child and then the
// child's group, and a closed terminal makes both the shell and the kernel send SIGHUP.
const sameSignal = 200 * time.Millisecond

// stopStep is the effect of one more signal.
type stopStep struct {
	does string
	take func(syscall.Signal)
}

// stopSteps are the effects of the first signal and of the next ones.
func stopSteps(cancel context.CancelCauseFunc, endGraces, abandon func()) []stopStep {
	return []stopStep{
		{"takes the topology down in order, each service with its grace, and proves that nothing is left",
			func(s syscall.Signal) { cancel(&run.Interrupt{Signal: s}) }},
		{"skips all graces; the processes are killed and the checks made", func(syscall.Signal) { endGraces() }},
		{fmt.Sprintf("returns at once with exit code %d; the shepherds finish the teardown", codeDirty),
			func(syscall.Signal) { abandon() }},
	}
}

// listen catches SIGINT, SIGTERM, and SIGHUP unless it was ignored at the start (nohup), for a command that has
// something to take down; they end other commands as usual. SIGPIPE is caught, not ignored: children must inherit its
// default.
func listen(takesDown bool) *signals {
	s := &signals{abandon: make(chan struct{})}
	ctx, cancel := context.WithCancelCause(context.Background())
	force, endGraces := context.WithCancel(context.Background())
	s.ctx, s.force = ctx, force
	caught := make(chan os.Signal, 8)
	list := []os.Signal{syscall.SIGPIPE}
	if takesDown {
		list = append(list, syscall.SIGINT, syscall.SIGTERM)
	}
	if takesDown && !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	signal.Notify(caught, list...)
	steps := stopSteps(cancel, endGraces, func() { close(s.abandon) })
	go func() {
		var last time.Time
		for sig := range caught {
			if sig == syscall.SIGPIPE || sig != syscall.SIGINT && time.Since(last) < sameSignal {
				continue
			}
			last = time.Now()
			if len(steps) > 0 {
				steps[0].take(sig.(syscall.Signal))
				steps = steps[1:]
			}
		}
	}()
	s.stop = func() { signal.Stop(caught); close(caught); endGraces(); cancel(nil) }
	return s
}
