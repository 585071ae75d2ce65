package deploy

import (
	"slices"

	"topobench/internal/host"
)

// Processes lists the processes of all running services, in order of start.
func (s *Stack) Processes() ([]host.ServiceProcesses, error) {
	s.mu.Lock()
	services := slices.Clone(s.running)
	s.mu.Unlock()
	var running []host.Running
	for _, svc := range services {
		r := host.Running{Service: svc.Name, PID: svc.child.PID(), Ticks: svc.child.Ticks()}
		if len(svc.Ports) > 0 {
			r.Port = svc.Ports[0].Number
		}
		running = append(running, r)
	}
	return host.ListProcesses(running)
}
