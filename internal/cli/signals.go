package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"topobench/internal/run"
)

// signals are the user's wishes, in order: the first signal ends ctx, the second
// ends force, at the third abandon is closed.
type signals struct {
	ctx     context.Context
	force   context.Context
	abandon chan struct{}
	stop    func()
}

// echo is how soon after a signal another that nobody types is the same wish: timeout(1) signals its
// child and then the child's group, and a terminal that closes hangs up by its shell and
// by the kernel.
const echo = 200 * time.Millisecond

// listen takes SIGINT, SIGTERM, and SIGHUP unless it was ignored at the start
// (nohup), of a command that has something to take down; any other is ended by
// them as usual. SIGPIPE is caught, not ignored: children must inherit its default.
func listen(conducts bool) *signals {
	s := &signals{abandon: make(chan struct{})}
	ctx, cancel := context.WithCancelCause(context.Background())
	force, end := context.WithCancel(context.Background())
	s.ctx, s.force = ctx, force
	caught := make(chan os.Signal, 8)
	wanted := []os.Signal{syscall.SIGPIPE}
	if conducts {
		wanted = append(wanted, syscall.SIGINT, syscall.SIGTERM)
	}
	if conducts && !signal.Ignored(syscall.SIGHUP) {
		wanted = append(wanted, syscall.SIGHUP)
	}
	signal.Notify(caught, wanted...)
	steps := []func(os.Signal){
		func(sig os.Signal) { cancel(&run.Interrupt{Signal: sig.(syscall.Signal)}) },
		func(os.Signal) { end() },
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
	s.stop = func() { signal.Stop(caught); close(caught); end(); cancel(nil) }
	return s
}
