package deploy

import (
	"context"
	"slices"

	"topobench/internal/host"
	"topobench/internal/host/proc"
)

// Processes lists the processes of all running services, in order of start.
func (s *Stack) Processes() ([]host.ServiceProcesses, error) {
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
	var all []host.ServiceProcesses
	for _, svc := range running {
		leader := svc.child.Process()
		p := host.ServiceProcesses{Service: svc.Name, Leader: leader,
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
