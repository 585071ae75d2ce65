package deploy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/plan"
)

// Network shows whether other machines reach this one, and which it reaches. host.Local is one.
type Network interface {
	// Listen accepts connections on addresses, host:port, until release.
	Listen(ctx context.Context, addresses []string) (release func(), err error)
	// Dial connects to each address once. Faults has those that it could not reach, with the reason.
	Dial(ctx context.Context, addresses []string, within time.Duration) (faults map[string]string, err error)
}

// Remote is another machine, with its network.
type Remote interface {
	Host
	Network
}

// Machine is another host of a plan.
type Machine struct {
	Name    string
	Host    Remote
	Environ []string    // of the login there, from which its services inherit
	Foreign []proc.Proc // descendants of the process that starts its services, which do not belong to the stack
	Lost    func() bool // reports that the connection is gone for good; nil = never
}

// place is a machine of a stack: this one, whose name is "", or another.
type place struct {
	name    string
	host    Host
	environ []string
	foreign []proc.Proc
	ports   []plan.Port
	lost    func() bool // nil = never
}

// newPlaces are the machines of a target, this one first: its descendants are checked in any case.
func newPlaces(t Target) []place {
	places := []place{{"", t.Host, t.Environ, t.Foreign, t.Plan.PortsOn(""), nil}}
	for _, name := range t.Plan.Names() {
		if m, connected := t.Machines[name]; connected && name != "" {
			places = append(places, place{name, m.Host, m.Environ, m.Foreign, t.Plan.PortsOn(name), m.Lost})
		}
	}
	return places
}

// connected fails if a host of the plan has no connection: its services must not start on this machine instead.
func (s *Stack) connected() (err error) {
	for _, name := range s.plan.Names() {
		if s.on(name).name != name {
			err = errors.Join(err, fmt.Errorf("cannot start the services of %s: there is no connection to it", name))
		}
	}
	return err
}

// on is the place of services, by their host.
func (s *Stack) on(name string) place {
	for _, p := range s.places {
		if p.name == name {
			return p
		}
	}
	return s.places[0]
}

// each calls f for all places at the same time.
func (s *Stack) each(f func(i int, p place)) {
	var all sync.WaitGroup
	for i, p := range s.places {
		all.Go(func() { f(i, p) })
	}
	all.Wait()
}

// everywhere calls f for all places at the same time. The error names the host of each fault.
func (s *Stack) everywhere(f func(p place) error) error {
	faults := make([]error, len(s.places))
	s.each(func(i int, p place) { faults[i] = OnHost(p.name, f(p)) })
	return errors.Join(faults...)
}

// touch notes that a process may have been started on a host.
func (s *Stack) touch(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touched[name] = true
}

// untouched reports that nothing was started on another host: there is nothing to prove, and the loss of its connection
// leaves nothing there.
func (s *Stack) untouched(p place) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.name != "" && !s.touched[p.name]
}

// on puts the name of a host before a text; "" is this machine.
func on(name, text string) string {
	if name == "" {
		return text
	}
	return name + ": " + text
}

// OnHost is an error with the name of its host in front; "" is this machine.
func OnHost(name string, err error) error {
	if name == "" || err == nil {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// title names a service, with its host if that is another machine.
func title(s plan.Service) string {
	if s.Host == "" {
		return s.Name
	}
	return s.Name + " on " + s.Host
}

// logOf names the log of a service, as scp does if it is on another machine.
func logOf(s plan.Service) string {
	if s.Host == "" || s.Log == "" {
		return s.Log
	}
	return s.Host + ":" + s.Log
}
