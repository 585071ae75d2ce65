package host

import (
	"fmt"
	"slices"

	"topobench/internal/host/proc"
)

// ServiceProcesses is the processes of a service at one moment.
type ServiceProcesses struct {
	Service  string
	Host     string // of the plan; "" = this machine
	Port     int
	Leader   proc.Proc   // the process that was started
	Listener proc.Proc   // on Port, a foreign one if there are several; zero = none is visible
	Foreign  bool        // Listener does not descend from topobench
	Tree     []proc.Proc // living descendants of the leader
}

// at is the host for the begin of a message: "node1: "; "" = this machine.
func (s ServiceProcesses) at() string {
	if s.Host == "" {
		return ""
	}
	return s.Host + ": "
}

// ForeignListeners names the ports that a foreign process answers: two servers can share
// one (SO_REUSEPORT).
func ForeignListeners(services []ServiceProcesses) (named []string) {
	for _, s := range services {
		if s.Foreign {
			named = append(named, fmt.Sprintf("%sport %d (%s) is answered by process %v, which topobench did not start",
				s.at(), s.Port, s.Service, s.Listener))
		}
	}
	return named
}

// CompareProcesses names the services that were restarted between two moments, and the
// processes that services lost. It leaves out services that ended.
func CompareProcesses(before, after []ServiceProcesses) (restarted, ended []string) {
	for _, b := range before {
		i := slices.IndexFunc(after, func(a ServiceProcesses) bool { return a.Service == b.Service })
		if i < 0 {
			continue
		}
		a := after[i]
		if a.Listener.PID != 0 && b.Listener.PID != 0 && !a.Listener.Same(b.Listener) { // 0: it is not visible
			restarted = append(restarted, fmt.Sprintf("%sanother process listens on port %d of %s: %v, before it was "+
				"%v", b.at(), b.Port, b.Service, a.Listener, b.Listener))
		}
		for _, p := range b.Tree {
			if !slices.ContainsFunc(a.Tree, p.Same) {
				ended = append(ended, fmt.Sprintf("%s%s lost process %v", b.at(), b.Service, p))
			}
		}
	}
	return restarted, ended
}
