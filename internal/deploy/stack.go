// Package deploy brings a plan up wave by wave and takes it down again.
//
// Up returns when every gate is open, or with nothing left running. The context of a
// stack ends the moment one of its services dies. Down returns when no process of the
// plan is left, or with *DirtyError, which lists the leftovers.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
)

// Target is a plan that can be brought up as processes on this host.
type Target struct {
	Plan plan.Plan
	Options
}

// Options are the surroundings of a stack.
type Options struct {
	Environ  []string           // of the caller
	Host     Host               // this machine: services without a host run on it
	Machines map[string]Machine // the other hosts of the plan, by name
	Force    context.Context    // ends when a teardown may wait no longer: the second Ctrl-C
	Checks   []TeardownCheck    // made at the end, beside those of descendants and ports
	Foreign  []proc.Proc        // descendants of this process that do not belong to the stack
	// Clean is the command that cleans another host, for a person; it may be nil.
	Clean func(host string) string
	// Events receives what happens, in order and on one goroutine. It can hold up a start,
	// and never a teardown. It may be nil.
	Events func(Event)
	// Await returns when the gate of a service is open, with the time since when it is; nil =
	// Await of a Prober.
	Await func(ctx context.Context, s plan.Service, note func(string)) (since time.Time, err error)
}

// Times are the parts of a launch and of its teardown.
type Times struct {
	Launch   time.Duration // starting processes
	Engine   time.Duration // until the last service of each wave was ready
	Lag      time.Duration // until that was noticed
	Teardown time.Duration // stopping the services
	Proof    time.Duration // the teardown checks
}

// Stack is a plan that runs.
type Stack struct {
	plan    plan.Plan
	o       Options
	places  []place // this machine first
	ctx     context.Context
	cancel  context.CancelCauseFunc
	events  *queue
	watch   sync.WaitGroup // one goroutine a child; Down waits for them
	sampled chan struct{}  // closed after the last sample
	samples sync.Mutex     // held while the checks sample

	mu       sync.Mutex
	running  []service
	touched  map[string]bool // hosts on which a process may have been started
	stopping bool
	times    Times
}

type service struct {
	plan.Service
	spec    host.Spec
	child   host.Handle
	stopped chan struct{} // closed when its Stop has returned
}

func newStack(ctx context.Context, t Target) *Stack {
	s := &Stack{plan: t.Plan, o: t.Options, places: newPlaces(t), touched: map[string]bool{},
		events: newQueue(t.Events), sampled: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	if s.o.Await == nil {
		s.o.Await = NewProber(s.o.Host).Over(s.o.Machines).Await
	}
	return s
}

// Context ends with *host.DiedError as its cause when a service dies, and with the cause
// of Up's context.
func (s *Stack) Context() context.Context { return s.ctx }

// Endpoints are the base URLs that the load uses.
func (s *Stack) Endpoints() []string { return s.plan.Smoke.URLs }

// Times are the times so far.
func (s *Stack) Times() Times {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.times
}

// Up checks ports and environment, writes files, starts the services and waits for their
// gates. On failure it first takes down what it has started, and joins to the error what
// it could not.
func (t Target) Up(ctx context.Context) (*Stack, error) {
	s := newStack(ctx, t)
	err := s.prepare()
	if err == nil {
		_, err = s.await(t.Plan.External)
	}
	if err != nil { // a port of a foreign process is no leftover; a check that does not end is
		s.cancel(err)
		err = errors.Join(err, s.leftBehind(context.WithoutCancel(ctx)))
		s.events.close()
		return nil, err
	}
	go s.sampling()
	if err = s.start(); err == nil {
		s.sample()
		return s, nil
	}
	return nil, errors.Join(err, s.Down(t.Force))
}

// prepare does everything that can fail before a process exists.
func (s *Stack) prepare() error {
	for _, step := range []func() error{s.connected, s.freePorts, s.reach} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := s.everywhere(s.put); err != nil {
		return fmt.Errorf("cannot put the files of %s in place: %w", s.plan.Name, err)
	}
	return s.everywhere(func(p place) error { return s.testConfigurations(p, testWithin) })
}

// put makes the directories and writes the files of a host.
func (s *Stack) put(p place) error {
	dirs := s.plan.Dirs
	for _, h := range s.plan.Hosts {
		if h.Name == p.name {
			dirs = h.Dirs
		}
	}
	var files []host.File
	for _, dir := range dirs {
		files = append(files, host.File{Path: dir, Mode: fs.ModeDir | 0o700})
	}
	for _, f := range s.plan.Files {
		if f.Host == p.name {
			files = append(files, host.File{Path: f.Path, Data: []byte(f.Text), Mode: 0o600})
		}
	}
	return p.host.Put(s.ctx, files...)
}

// testWithin is the limit of a test: nginx resolves the names of its servers.
const testWithin = time.Minute

// testConfigurations runs the tests of the services of a host, such as nginx -t.
func (s *Stack) testConfigurations(p place, within time.Duration) error {
	var faults []error
	for _, svc := range s.plan.Services {
		if svc.Host != p.name || len(svc.Check) == 0 {
			continue
		}
		spec, err := s.spec(svc)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		spec.Argv, spec.Log = svc.Check, svc.Log+".check"
		ctx, cancel := context.WithTimeoutCause(s.ctx, within, fmt.Errorf("no answer within %s", within))
		s.touch(p.name)
		output, exit, err := p.host.Run(ctx, spec)
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

// start goes through the waves: the services of a wave start together, and the next wave
// when all their gates are open.
func (s *Stack) start() error {
	for _, wave := range plan.Waves(s.plan.Services) {
		s.announce(WaveStarting{})
		began := time.Now()
		if err := s.launch(wave); err != nil {
			return err
		}
		launched := time.Now()
		last, err := s.await(wave)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.times.Launch += launched.Sub(began)
		s.times.Engine += last.Sub(launched)
		s.times.Lag += time.Since(last)
		s.mu.Unlock()
	}
	return nil
}

// announce posts an event of a start and waits until the subscriber has returned, or the
// start has failed.
func (s *Stack) announce(e Event) {
	select {
	case <-s.events.post(e):
	case <-s.ctx.Done():
	}
}

// launch starts the services of a wave at the same time. Those that started belong to
// the stack even when others did not; the error names all others.
func (s *Stack) launch(wave []plan.Service) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	started, faults := make([]service, len(wave)), make([]error, len(wave))
	var all sync.WaitGroup
	for i, svc := range wave {
		all.Go(func() {
			spec, err := s.spec(svc)
			if err == nil {
				s.touch(svc.Host)
				started[i] = service{Service: svc, spec: spec, stopped: make(chan struct{})}
				started[i].child, err = s.on(svc.Host).host.Start(spec)
			}
			faults[i] = OnHost(svc.Host, err)
		})
	}
	all.Wait()
	started = slices.DeleteFunc(started, func(svc service) bool { return svc.child == nil })
	s.mu.Lock()
	s.running = append(s.running, started...)
	s.mu.Unlock()
	for _, svc := range started {
		s.announce(ServiceChanged{Service: svc.Service, State: Starting, PID: svc.child.Process().PID})
		s.watch.Go(func() { s.died(svc) })
	}
	return errors.Join(faults...)
}

// logWithin is how long a death may wait for the end of the log.
const logWithin = 2 * time.Second

// died ends the stack's context when a service ends before Down: every exit is a
// failure, whatever its code.
func (s *Stack) died(svc service) {
	select {
	case <-svc.child.Done():
	case <-svc.child.Gone(): // one that cannot be killed is never done
	case <-svc.stopped: // nor is one of a host that does not answer
	}
	s.mu.Lock()
	stopping := s.stopping
	s.mu.Unlock()
	if stopping {
		return
	}
	exit := svc.child.Exit()
	if exit.Stopped && svc.Host != "" && s.lost() {
		return
	}
	s.events.post(ServiceChanged{Service: svc.Service, State: Died, Detail: exit.String()})
	ctx, cancel := context.WithTimeout(s.ctx, logWithin)
	defer cancel()
	end, err := s.on(svc.Host).host.Get(ctx, svc.Log, -host.LogEnd, host.LogEnd)
	named := svc.spec
	named.Name, named.Log = title(svc.Service), logOf(svc.Service)
	s.cancel(host.Died(named, exit, end, err))
}

// lost waits for the end of the stack for another cause than a service that was stopped, though not by the stack: the
// agent of its host is ending.
func (s *Stack) lost() bool {
	select {
	case <-s.ctx.Done():
		return true
	case <-time.After(logWithin):
		return false
	}
}

func (s *Stack) spec(svc plan.Service) (host.Spec, error) {
	env, missing := plan.Environ(s.on(svc.Host).environ, svc.Env)
	if len(missing) > 0 {
		return host.Spec{}, fmt.Errorf("cannot start %s: its env names variables that are not set: %v",
			svc.Name, missing)
	}
	return host.Spec{Name: svc.Name, Argv: svc.Argv, Env: env, Dir: svc.Dir, Log: svc.Log,
		Signal: svc.Signal, Grace: svc.Grace, Nice: svc.Nice}, nil
}

// await waits for all gates of a wave at once; the first failure ends the others. It
// returns when the last of them became ready.
func (s *Stack) await(wave []plan.Service) (last time.Time, err error) {
	group, ctx := errgroup.WithContext(s.ctx)
	since := make([]time.Time, len(wave))
	for i, svc := range wave {
		note := func(text string) { s.announce(ServiceChanged{Service: svc, State: Starting, Detail: text}) }
		group.Go(func() (err error) {
			since[i], err = s.o.Await(ctx, svc, note)
			if err == nil {
				s.announce(ServiceChanged{Service: svc, State: Ready})
			}
			return err
		})
	}
	err = group.Wait()
	if s.ctx.Err() != nil {
		err = context.Cause(s.ctx) // the death of a service, not the answer of its gate
	}
	for _, t := range since {
		if t.After(last) {
			last = t
		}
	}
	return last, err
}
