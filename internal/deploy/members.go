package deploy

import (
	"fmt"
	"os"
	"slices"

	"topobench/internal/host/proc"
)

// ServiceProcesses are the processes of one service at one moment.
type ServiceProcesses struct {
	Service  string
	Port     int         // its first; 0 = none
	Leader   proc.Proc   // what was started
	Listener proc.Proc   // the listener on Port, a foreign one if there are several; zero = not visible
	Foreign  bool        // Listener does not descend from this process
	Tree     []proc.Proc // what descends from the leader, alive
}

// Processes returns those of all running services, in order of start.
func (s *Stack) Processes() ([]ServiceProcesses, error) {
	s.mu.Lock()
	running := slices.Clone(s.running)
	s.mu.Unlock()
	all, err := proc.Snapshot()
	if err != nil {
		return nil, err
	}
	var members []ServiceProcesses
	var ports []int
	for _, svc := range running {
		m := ServiceProcesses{Service: svc.Name, Leader: proc.Proc{PID: svc.child.PID(), Ticks: svc.child.Ticks()},
			Tree: proc.Living(proc.Below(all, svc.child.PID(), nil))}
		if len(svc.Ports) > 0 {
			m.Port = svc.Ports[0].Number
			ports = append(ports, m.Port)
		}
		members = append(members, m)
	}
	listeners, ours := proc.Listeners(all, ports), proc.Below(all, os.Getpid(), nil)
	for i, m := range members {
		for _, p := range listeners[m.Port] {
			if foreign := !slices.ContainsFunc(ours, p.Same); foreign || members[i].Listener.PID == 0 {
				members[i].Listener, members[i].Foreign = p, foreign
			}
		}
	}
	return members, nil
}

// Strangers names the ports on which somebody else answers: two servers can share
// one (SO_REUSEPORT).
func Strangers(members []ServiceProcesses) (named []string) {
	for _, m := range members {
		if m.Foreign {
			named = append(named, fmt.Sprintf("process %v, which is not ours, answers on port %d of %s", m.Listener, m.Port, m.Service))
		}
	}
	return named
}

// Compare says what became of services from one moment to another: which run
// anew, and of which trees processes have ended.
func Compare(before, after []ServiceProcesses) (restarted, ended []string) {
	for _, b := range before {
		i := slices.IndexFunc(after, func(a ServiceProcesses) bool { return a.Service == b.Service })
		if i < 0 {
			continue // the death of a service is told elsewhere
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
