package deploy

import (
	"context"
	"errors"
	"slices"

	"topobench/internal/host"
	"topobench/internal/host/proc"
)

// Processes lists the processes of all running services, in order of start. Beside an error the list lacks those of the
// hosts that the error names.
func (s *Stack) Processes() ([]host.ServiceProcesses, error) {
	s.mu.Lock()
	running := slices.Clone(s.running)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.ctx, lookWithin)
	defer cancel()
	looks, faults := make([]host.Snapshot, len(s.places)), make([]error, len(s.places))
	s.each(func(i int, p place) {
		if ports, some := firstPorts(running, p.name); some {
			var err error
			looks[i], err = p.host.Look(ctx, host.Question{Processes: true, Listening: ports})
			faults[i] = OnHost(p.name, err)
		}
	})
	var all []host.ServiceProcesses
	for _, svc := range running {
		i := slices.IndexFunc(s.places, func(p place) bool { return p.name == svc.Host })
		if faults[i] == nil {
			all = append(all, svc.processes(looks[i]))
		}
	}
	return all, errors.Join(faults...)
}

// firstPorts are the first ports of the services of a host. some is false if it has no service.
func firstPorts(running []service, host string) (ports []int, some bool) {
	for _, svc := range running {
		if svc.Host != host {
			continue
		}
		if some = true; len(svc.Ports) > 0 {
			ports = append(ports, svc.Ports[0].Number)
		}
	}
	return ports, some
}

// processes are those that a look at its host shows.
func (s service) processes(look host.Snapshot) host.ServiceProcesses {
	leader := s.child.Process()
	p := host.ServiceProcesses{Service: s.Name, Host: s.Host, Leader: leader,
		Tree: proc.Living(proc.Below(look.Processes, leader.PID, nil))}
	if len(s.Ports) > 0 {
		p.Port = s.Ports[0].Number
	}
	for _, l := range look.Listeners[p.Port] {
		if foreign := !descends(l, look); foreign || p.Listener.PID == 0 {
			p.Listener, p.Foreign = l, foreign
		}
	}
	return p
}
