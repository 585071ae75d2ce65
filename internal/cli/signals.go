package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"topobench/internal/run"
)

// signals are the steps in which a user stops a command: the first signal ends ctx, the second ends force, the third
// closes abandon.
type signals struct {
	ctx     context.Context
	force   context.Context
	abandon chan struct{}
	stop    func()
}

// echo is the time in which signals other than SIGINT count as one: timeout(1) signals its child and then the child's
// group, and both the shell and the kernel hang up when a terminal is closed.
const echo = 200 * time.Millisecond

// listen catches SIGINT, SIGTERM, and SIGHUP unless it was ignored at the start (nohup), for a command that has
// something to take down; they end other commands as usual. SIGPIPE is caught, not ignored: children must inherit its
// default.
func listen(takesDown bool) *signals {
	s := &signals{abandon: make(chan struct{})}
	ctx, cancel := context.WithCancelCause(context.Background())
	force, endGraces := context.WithCancel(context.Background())
	s.ctx, s.force = ctx, force
	caught := make(chan os.Signal, 8)
	wanted := []os.Signal{syscall.SIGPIPE}
	if takesDown {
		wanted = append(wanted, syscall.SIGINT, syscall.SIGTERM)
	}
	if takesDown && !signal.Ignored(syscall.SIGHUP) {
		wanted = append(wanted, syscall.SIGHUP)
	}
	signal.Notify(caught, wanted...)
	steps := []func(os.Signal){
		func(sig os.Signal) { cancel(&run.Interrupt{Signal: sig.(syscall.Signal)}) },
		func(os.Signal) { endGraces() },
		func(os.Signal) { close(s.abandon) },
	}
	go func() {
		var last time.Time
		for sig := range caught {
			if sig == syscall.SIGPIPE || sig != syscall.SIGINT && time.Since(last) < echo {
				continue
			}
			last = time.Now()
			if len(steps) > 0 {
				steps[0](sig)
				steps = steps[1:]
			}
		}
	}()
	s.stop = func() { signal.Stop(caught); close(caught); endGraces(); cancel(nil) }
	return s
}
