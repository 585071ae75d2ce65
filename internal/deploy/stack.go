// Package deploy brings a plan to life wave by wave and takes it down again.
//
// Up returns only when every gate is open, or with nothing left running. The
// context of a stack ends the moment any of its processes dies. Down returns
// only when no process of the plan is left, or with *DirtyError, which names
// what is.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
)

// State of a service, as the user sees it.
type State string

// The states, in order.
const (
	Starting State = "starting"
	Ready    State = "ready"
	Stopping State = "stopping"
	Gone     State = "gone"
	Died     State = "died"
)

// Event is a change of one service.
type Event struct {
	Service plan.Service
	State   State
	PID     int
	Detail  string
}

// Options are what a stack needs from outside.
type Options struct {
	Environ []string // of the caller
	Starter host.Starter
	Await   func(ctx context.Context, s plan.Service, note func(string)) (since time.Time, err error)
	Note    func(Event)     // called from several goroutines
	Hurry   context.Context // ends when a teardown may wait no longer (the second Ctrl-C)

	Strangers []proc.Proc // descend from this process, and are not of the stack

	Name func(proc.Proc) string // of which service a process is, for the table of what is left; may be nil

	Wave      func()        // called before the services of a wave are started; may be nil
	Witnesses []Witness     // asked at the end, beside the descendants and the ports
	Proving   func()        // called before they are; may be nil
	Found     func(Finding) // what each of them said; may be nil

	Ended func(Times, error) // told how each teardown ended, that of a failed launch too; may be nil
}

// Stack is a plan that runs.
type Stack struct {
	plan    plan.Plan
	o       Options
	ctx     context.Context
	cancel  context.CancelCauseFunc
	watch   sync.WaitGroup // one goroutine a child and one that braces, owned by Down
	looking sync.Mutex     // of witnesses that are braced

	mu       sync.Mutex
	running  []service
	stopping bool

	Launch, Engine, Lag time.Duration // starting processes; until the last was ready; until we knew
}

type service struct {
	plan.Service
	child *host.Child
}

// Context ends with *process.DiedError as its cause when a process dies, and
// with the cause of Up's context.
func (s *Stack) Context() context.Context { return s.ctx }

// Up checks ports and environment, writes files, starts the services and waits
// for their gates. On failure everything that was started is taken down first,
// and what could not be is joined to the error.
func Up(ctx context.Context, p plan.Plan, o Options) (*Stack, error) {
	s := &Stack{plan: p, o: o}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	err := s.prepare()
	if err == nil {
		_, err = s.await(p.External)
	}
	if err != nil {
		s.cancel(err)
		return nil, errors.Join(err, s.dirty(nil)) // a port that somebody else has is no leftover, a check that does not end is
	}
	s.watch.Go(s.bracing)
	if err = s.start(); err == nil {
		s.brace()
		return s, nil
	}
	_, dirty := s.Down(o.Hurry)
	return nil, errors.Join(err, dirty)
}

// prepare does everything that can fail before a process exists.
func (s *Stack) prepare() error {
	if err := FreePorts(s.plan.Ports()); err != nil {
		return err
	}
	for _, dir := range s.plan.Dirs {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("cannot make a directory of %s: %w", s.plan.Name, err)
		}
	}
	for _, f := range s.plan.Files {
		if err := os.WriteFile(f.Path, []byte(f.Text), 0o600); err != nil {
			return fmt.Errorf("cannot write a file of %s: %w", s.plan.Name, err)
		}
	}
	return s.check(checkWithin)
}

// checkWithin is how long a test may take: nginx looks up the names of servers.
const checkWithin = time.Minute

// check runs the tests of services such as nginx -t, each at most so long.
func (s *Stack) check(within time.Duration) error {
	var faults []error
	for _, svc := range s.plan.Services {
		if len(svc.Check) == 0 {
			continue
		}
		spec, err := s.spec(svc)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		spec.Argv, spec.Log = svc.Check, svc.Log+".check"
		ctx, cancel := context.WithTimeoutCause(s.ctx, within, fmt.Errorf("no answer within %s", within))
		output, exit, err := s.o.Starter.Run(ctx, spec)
		cancel()
		if err == nil && exit.Code != 0 {
			err = fmt.Errorf("%s: %s\n%s", svc.Check[0], exit, output)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("cannot use the configuration of %s: %w", svc.Name, err))
		}
	}
	return errors.Join(faults...)
}

// start goes through the waves: a wave starts together, and the next one when
// all its gates are open.
func (s *Stack) start() error {
	for _, wave := range plan.Waves(s.plan.Services) {
		if s.o.Wave != nil {
			s.o.Wave()
		}
		began := time.Now()
		if err := s.launch(wave); err != nil {
			return err
		}
		s.Launch += time.Since(began)
		began = time.Now()
		last, err := s.await(wave)
		if err != nil {
			return err
		}
		s.Engine += last.Sub(began)
		s.Lag += time.Since(last)
	}
	return nil
}

// launch starts the services of a wave at the same time. What did start when others
// did not is of the stack; of those the error tells all.
func (s *Stack) launch(wave []plan.Service) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	started, faults := make([]service, len(wave)), make([]error, len(wave))
	var all sync.WaitGroup
	for i, svc := range wave {
		all.Go(func() { started[i], faults[i] = s.launchOne(svc) })
	}
	all.Wait()
	started = slices.DeleteFunc(started, func(svc service) bool { return svc.child == nil })
	s.mu.Lock()
	s.running = append(s.running, started...)
	s.mu.Unlock()
	for _, svc := range started {
		s.o.Note(Event{Service: svc.Service, State: Starting, PID: svc.child.PID()})
		s.watch.Go(func() { s.died(svc.Service, svc.child) })
	}
	return errors.Join(faults...)
}

func (s *Stack) launchOne(svc plan.Service) (service, error) {
	spec, err := s.spec(svc)
	if err != nil {
		return service{}, err
	}
	child, err := s.o.Starter.Start(spec)
	return service{svc, child}, err
}

// died ends the stack's context when a child ends before it was asked to: any
// exit of a service is a failure, whatever its code.
func (s *Stack) died(svc plan.Service, child *host.Child) {
	select {
	case <-child.Done():
	case <-child.Gone(): // it may be one that cannot be killed, and will never be done
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return
	}
	s.o.Note(Event{Service: svc, State: Died, Detail: child.Exit().String()})
	s.cancel(child.Died())
}

func (s *Stack) spec(svc plan.Service) (host.Spec, error) {
	env, missing := plan.Environ(s.o.Environ, svc.Env)
	if len(missing) > 0 {
		return host.Spec{}, fmt.Errorf("cannot start %s: its env names variables that are not set: %v", svc.Name, missing)
	}
	return host.Spec{Name: svc.Name, Argv: svc.Argv, Env: env, Dir: svc.Dir, Log: svc.Log,
		Signal: svc.Signal, Grace: svc.Grace, Nice: svc.Nice}, nil
}

// await asks all gates of a wave at once; the first failure ends the others.
// It returns when the last of them became ready.
func (s *Stack) await(wave []plan.Service) (time.Time, error) {
	group, ctx := errgroup.WithContext(s.ctx)
	since := make([]time.Time, len(wave))
	for i, svc := range wave {
		group.Go(func() (err error) {
			since[i], err = s.o.Await(ctx, svc, func(text string) { s.o.Note(Event{Service: svc, State: Starting, Detail: text}) })
			if err == nil {
				s.o.Note(Event{Service: svc, State: Ready})
			}
			return err
		})
	}
	err := group.Wait()
	if s.ctx.Err() != nil {
		err = context.Cause(s.ctx) // the death of a process, not what its gate said of it
	}
	return latest(since), err
}

func latest(times []time.Time) time.Time {
	if len(times) == 0 {
		return time.Time{}
	}
	return slices.MaxFunc(times, time.Time.Compare)
}
