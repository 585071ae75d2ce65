package deploy

import (
	"context"
	"fmt"
	"slices"

	"topobench/internal/host"
	"topobench/internal/host/proc"
)

// ServiceProcesses are the processes of one service at one moment.
type ServiceProcesses struct {
	Service  string
	Port     int         // its first; 0 = none
	Leader   proc.Proc   // the child that was started
	Listener proc.Proc   // the listener on Port, a foreign one if there are several; zero = not visible
	Foreign  bool        // Listener does not descend from this process
	Tree     []proc.Proc // living descendants of the leader
}

// Processes returns those of all running services, in order of start.
func (s *Stack) Processes() ([]ServiceProcesses, error) {
	s.mu.Lock()
	running := slices.Clone(s.running)
	s.mu.Unlock()
	var ports []int
	for _, svc := range running {
		if len(svc.Ports) > 0 {
			ports = append(ports, svc.Ports[0].Number)
		}
	}
	ctx, cancel := context.WithTimeout(s.ctx, lookWithin)
	defer cancel()
	look, err := s.o.Host.Look(ctx, host.Question{Processes: true, Listening: ports})
	if err != nil {
		return nil, err
	}
	var all []ServiceProcesses
	for _, svc := range running {
		leader := svc.child.Process()
		p := ServiceProcesses{Service: svc.Name, Leader: leader,
			Tree: proc.Living(proc.Below(look.Processes, leader.PID, nil))}
		if len(svc.Ports) > 0 {
			p.Port = svc.Ports[0].Number
		}
		for _, l := range look.Listeners[p.Port] {
			if foreign := !descends(l, look); foreign || p.Listener.PID == 0 {
				p.Listener, p.Foreign = l, foreign
			}
		}
		all = append(all, p)
	}
	return all, nil
}

// ForeignListeners describes the ports of services on which a foreign process listens:
// with SO_REUSEPORT two servers share a port.
func ForeignListeners(services []ServiceProcesses) (lines []string) {
	for _, s := range services {
		if s.Foreign {
			lines = append(lines, fmt.Sprintf("process %v, which is not ours, answers on port %d of %s",
				s.Listener, s.Port, s.Service))
		}
	}
	return lines
}

// Compare describes the changes between two moments: the services on whose port another
// process listens now, and the processes that ended while their service went on.
func Compare(before, after []ServiceProcesses) (restarted, ended []string) {
	for _, b := range before {
		i := slices.IndexFunc(after, func(a ServiceProcesses) bool { return a.Service == b.Service })
		if i < 0 {
			continue // it died, which ends the stack's context
		}
		a := after[i]
		if a.Listener.PID != 0 && b.Listener.PID != 0 && !a.Listener.Same(b.Listener) {
			restarted = append(restarted, fmt.Sprintf("another process listens on port %d of %s: %v, before it was %v",
				b.Port, b.Service, a.Listener, b.Listener))
		}
		for _, p := range b.Tree {
			if !slices.ContainsFunc(a.Tree, p.Same) {
				ended = append(ended, fmt.Sprintf("%s lost process %v", b.Service, p))
			}
		}
	}
	return restarted, ended
}
