package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
)

// FreePorts binds every port of this machine once, as the server will. The error is a
// *PortsBusyError, or that of a host that does not answer.
func FreePorts(ctx context.Context, h Host, ports []plan.Port) error {
	return FreePortsOn(ctx, "", h, ports)
}

// FreePortsOn is FreePorts of a machine with a name, which stands in the error.
func FreePortsOn(ctx context.Context, name string, h Host, ports []plan.Port) error {
	taken, err := takenPorts(ctx, place{name: name, host: h, ports: ports})
	if len(taken) == 0 {
		return OnHost(name, err)
	}
	busy := &PortsBusyError{}
	for _, p := range taken {
		busy.Taken = append(busy.Taken, on(name, p.String()))
	}
	return busy
}

// freePorts is FreePorts of all hosts; the ports that are taken are one error.
func (s *Stack) freePorts() error {
	faults := make([]error, len(s.places))
	s.each(func(i int, p place) { faults[i] = FreePortsOn(s.ctx, p.name, p.host, p.ports) })
	var busy PortsBusyError
	for i, err := range faults {
		if taken, is := errors.AsType[*PortsBusyError](err); is {
			busy.Taken, faults[i] = append(busy.Taken, taken.Taken...), nil
		}
	}
	if len(busy.Taken) > 0 {
		faults = append([]error{&busy}, faults...)
	}
	return errors.Join(faults...)
}

// takenPort is a port that does not bind.
type takenPort struct {
	plan.Port
	bind  host.Port
	owner proc.Proc // zero = not visible
	ours  bool      // see that function
	user  string    // of the owner, on another machine
}

func (p takenPort) String() string {
	switch {
	case !p.bind.InUse:
		return describe(p.Port) + " " + p.bind.Fault
	case p.owner.PID == 0:
		return describe(p.Port) + " is taken by a process" + p.ofUser() + " that is not visible from here"
	}
	return fmt.Sprintf("%s is taken by process %s", describe(p.Port), p.process())
}

// process is the owner: "4711 (python3)", on another machine with its user.
func (p takenPort) process() string {
	return fmt.Sprintf("%d (%s)%s", p.owner.PID, p.owner.Comm, p.ofUser())
}

func (p takenPort) ofUser() string {
	if p.user == "" {
		return ""
	}
	return " of user " + p.user
}

// takenPorts lists the ports that do not bind, with their owners, also beside an error.
func takenPorts(ctx context.Context, at place) (taken []takenPort, err error) {
	if len(at.ports) == 0 {
		return nil, nil
	}
	look, err := at.host.Look(ctx, host.Question{Ports: numbers(at.ports)})
	if err != nil {
		return nil, err
	}
	var busy []int
	for _, p := range inOrder(at.ports) {
		if bind := look.Ports[p.Number]; bind.Fault != "" {
			taken, busy = append(taken, takenPort{Port: p, bind: bind}), append(busy, p.Number)
		}
	}
	if len(busy) == 0 {
		return nil, nil
	}
	look, err = at.host.Look(ctx, host.Question{Processes: true, Listening: busy})
	for i, p := range taken {
		if at.name != "" && p.bind.InUse {
			taken[i].user = look.Users[p.Number]
		}
		if owners := look.Listeners[p.Number]; p.bind.InUse && len(owners) > 0 {
			taken[i].owner, taken[i].ours = owners[0], ours(owners[0], look)
		}
	}
	return taken, err
}

// ours reports whether p is topobench itself, or descends from it.
func ours(p proc.Proc, look host.Snapshot) bool { return p.Same(look.Self) || descends(p, look) }

// descends reports whether p descends from the process that starts the children.
func descends(p proc.Proc, look host.Snapshot) bool {
	return slices.ContainsFunc(proc.Below(look.Processes, look.Self.PID, nil), p.Same)
}

func describe(p plan.Port) string { return fmt.Sprintf("%d (%s of %s)", p.Number, p.Use, p.Service) }

// inOrder returns each port number once, ascending.
func inOrder(ports []plan.Port) []plan.Port {
	byNumber := func(a, b plan.Port) int { return cmp.Compare(a.Number, b.Number) }
	return slices.CompactFunc(slices.SortedFunc(slices.Values(ports), byNumber),
		func(a, b plan.Port) bool { return a.Number == b.Number })
}

func numbers(ports []plan.Port) (numbers []int) {
	for _, p := range inOrder(ports) {
		numbers = append(numbers, p.Number)
	}
	return numbers
}

const (
	// portsWithin is how long the kernel may take to give a port back.
	portsWithin = 10 * time.Second
	// foreignWithin is how long the check waits for a port that a foreign process has: that
	// may only be trying it, as FreePorts does.
	foreignWithin = time.Second
)

// portsCheck passes when every port binds again. It is *PortsBusyError if a foreign
// process owns each port that does not.
func portsCheck(at place) TeardownCheck {
	began := time.Now()
	check := func(ctx context.Context) (left []Leftover, err error) {
		taken, err := takenPorts(ctx, at)
		var foreign []string
		for _, p := range taken {
			left = append(left, Leftover{Detail: "port " + p.String()})
			if p.owner.PID != 0 && !p.ours {
				foreign = append(foreign, on(at.name, fmt.Sprintf("%s was taken over by process %s, which is not ours",
					describe(p.Port), p.process())))
			}
		}
		if err == nil && len(left) > 0 && len(foreign) == len(left) && time.Since(began) > foreignWithin {
			return nil, &PortsBusyError{Taken: foreign}
		}
		return left, err
	}
	return TeardownCheck{Name: portsName, Host: at.name, Within: portsWithin, Check: check}
}
