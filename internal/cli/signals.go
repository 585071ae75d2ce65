package cli

import (
	"context"
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

// listen catches SIGINT, SIGTERM and SIGHUP for a command that has processes to take down. These signals end other
// commands as usual. nohup ignores SIGHUP at the start, and then it stays ignored. SIGPIPE is caught and not ignored,
// because children must inherit its default.
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
	steps := []func(os.Signal){
		func(sig os.Signal) { cancel(&run.Interrupt{Signal: sig.(syscall.Signal)}) },
		func(os.Signal) { endGraces() },
		func(os.Signal) { close(s.abandon) },
	}
	go func() {
		var last time.Time
		for sig := range caught {
			if sig == syscall.SIGPIPE || sig != syscall.SIGINT && time.Since(last) < sameSignal {
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
