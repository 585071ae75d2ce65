package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/text"
)

const (
	// reachWithin is how long a connection between two machines may take: a firewall that drops packets gives no
	// answer at all.
	reachWithin = 2 * time.Second
	// reachLimit is the limit of the whole probe, for a machine that no longer answers.
	reachLimit = 10 * time.Second
	// portsNamed is how many ports of one way a message describes.
	portsNamed = 4
	// thisMachine is the name of "" in messages.
	thisMachine = "this machine"
)

// Blocked is a port of a plan that another machine cannot reach.
type Blocked struct {
	From, To string // hosts; From "" = this machine
	Address  string // of To
	Port     plan.Port
	Why      string
}

// UnreachableError lists the ports of a plan that other machines cannot reach.
type UnreachableError struct{ Blocked []Blocked }

func (e *UnreachableError) Error() string {
	type way struct{ from, to, address, why string }
	var ways []way
	ports := map[way][]string{}
	var closed []string
	for _, b := range e.Blocked {
		w := way{cmp.Or(b.From, thisMachine), b.To, b.Address, b.Why}
		if len(ports[w]) == 0 {
			ways, closed = append(ways, w), append(closed, b.To)
		}
		ports[w] = append(ports[w], describe(b.Port))
	}
	message := "cannot reach ports of the plan, where a probe listened:"
	for _, w := range ways {
		message += fmt.Sprintf("\n  from %s to %s (%s): %s: %s", w.from, w.to, w.address, some(ports[w]), w.why)
	}
	for _, w := range ways {
		if net.ParseIP(w.address) == nil {
			message += fmt.Sprintf("\n  (is %s a loopback address on %s, by its /etc/hosts? Then name another one)",
				w.address, w.to)
			break
		}
	}
	return message + fmt.Sprintf("\n  let these ports through the firewall of %s, or choose others (frontend.port, "+
		"balancer.port, port, port_base)", strings.Join(text.Distinct(closed), " and of "))
}

// some names the first of ports.
func some(ports []string) string {
	named := "port " + ports[0]
	if len(ports) > 1 {
		named = "ports " + strings.Join(ports[:min(portsNamed, len(ports))], ", ")
	}
	if more := len(ports) - portsNamed; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return named
}

// destination is a host whose ports are probed.
type destination struct {
	host  plan.Host
	ports map[string]plan.Port // by address, host:port
}

func (d destination) addresses() []string { return slices.Sorted(maps.Keys(d.ports)) }

func destinations(p plan.Plan) (all []destination) {
	for _, h := range p.Hosts {
		d := destination{h, map[string]plan.Port{}}
		for _, port := range p.PortsOn(h.Name) {
			d.ports[net.JoinHostPort(h.Address, strconv.Itoa(port.Number))] = port
		}
		all = append(all, d)
	}
	return all
}

// Reach probes the way to every port of a plan, from each other host and from this machine, before a server listens
// there. It listens on the ports for that moment, so they must be free. networks are those of the plan's hosts, by
// name; that of "" is this machine's. The error is an *UnreachableError, or that of machines that could not probe.
func Reach(ctx context.Context, p plan.Plan, networks map[string]Network) error {
	ctx, cancel := context.WithTimeoutCause(ctx, reachLimit, fmt.Errorf("no answer within %v", reachLimit))
	defer cancel()
	listening, release, faults := listenAll(ctx, destinations(p), networks)
	defer release()
	from := slices.Sorted(maps.Keys(networks))
	blocked, missing := make([][]Blocked, len(from)), make([]error, len(from))
	var all sync.WaitGroup
	for i, name := range from {
		all.Go(func() { blocked[i], missing[i] = dialAll(ctx, name, networks[name], listening) })
	}
	all.Wait()
	faults = errors.Join(faults, errors.Join(missing...))
	if found := slices.Concat(blocked...); len(found) > 0 {
		faults = errors.Join(&UnreachableError{found}, faults)
	}
	return faults
}

// listenAll returns the destinations that listen. The others are an error.
func listenAll(ctx context.Context, to []destination, networks map[string]Network) ([]destination, func(), error) {
	releases, faults := make([]func(), len(to)), make([]error, len(to))
	var all sync.WaitGroup
	for i, d := range to {
		all.Go(func() {
			releases[i], faults[i] = listenOn(ctx, d, networks[d.host.Name])
		})
	}
	all.Wait()
	var listening []destination
	for i, d := range to {
		if faults[i] == nil {
			listening = append(listening, d)
		}
	}
	release := func() {
		var all sync.WaitGroup
		for i := range to {
			if faults[i] == nil {
				all.Go(releases[i])
			}
		}
		all.Wait()
	}
	return listening, release, errors.Join(faults...)
}

func listenOn(ctx context.Context, d destination, n Network) (release func(), err error) {
	name := d.host.Name
	if n == nil {
		return nil, fmt.Errorf("cannot probe the ports of %s: there is no connection to it", name)
	}
	if release, err = n.Listen(ctx, d.addresses()); err != nil {
		err = fmt.Errorf("%s: cannot probe its ports: %w\n  correct its address (--hosts %s=ADDRESS) if it is "+
			"another machine's", name, err, name)
	}
	return release, err
}

// dialAll dials all ports of the other machines from one.
func dialAll(ctx context.Context, from string, n Network, to []destination) (blocked []Blocked, err error) {
	to = slices.DeleteFunc(slices.Clone(to), func(d destination) bool { return d.host.Name == from })
	var addresses []string
	for _, d := range to {
		addresses = append(addresses, d.addresses()...)
	}
	if len(addresses) == 0 {
		return nil, nil
	}
	faults, err := n.Dial(ctx, addresses, reachWithin)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot probe the ports of the other hosts: %w", cmp.Or(from, thisMachine), err)
	}
	for _, d := range to {
		for _, address := range d.addresses() {
			if why := faults[address]; why != "" {
				blocked = append(blocked, Blocked{from, d.host.Name, d.host.Address, d.ports[address], why})
			}
		}
	}
	return blocked, nil
}

// reach is Reach from and to the machines of the stack.
func (s *Stack) reach() error {
	networks := map[string]Network{"": host.Local{}}
	if own, is := s.o.Host.(Network); is {
		networks[""] = own
	}
	for _, name := range s.plan.Names() {
		if m, other := s.o.Machines[name]; other {
			networks[name] = m.Host
		}
	}
	if len(networks) == 1 {
		return nil
	}
	return Reach(s.ctx, s.plan, networks)
}
