package testbed

import (
	"context"
	"sync"
	"time"
)

// NoAnswer is the fault of a connection that a firewall drops: it comes when the time is over.
const NoAnswer = "no answer"

// Network connects scripted hosts. The zero Network connects all of them.
type Network struct {
	mu        sync.Mutex
	listening map[string]bool      // by a probe, by address
	blocked   map[[2]string]string // by the name of the machine that dials and the address
}

// Block makes a connection from a machine to an address fail with a reason.
func (n *Network) Block(from, address, why string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.blocked == nil {
		n.blocked = map[[2]string]string{}
	}
	n.blocked[[2]string{from, address}] = why
}

// Listening is the number of addresses that a probe still has.
func (n *Network) Listening() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.listening)
}

// wait is the time until the host answers.
func (s *Scripted) wait(ctx context.Context) {
	s.mu.Lock()
	late := s.Late
	s.mu.Unlock()
	if late > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(late):
		}
	}
}

func (s *Scripted) fault() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Fault
}

// Listen takes addresses of the network.
func (s *Scripted) Listen(ctx context.Context, addresses []string) (release func(), err error) {
	s.wait(ctx)
	if err := s.fault(); err != nil {
		return nil, err
	}
	s.Net.mu.Lock()
	defer s.Net.mu.Unlock()
	if s.Net.listening == nil {
		s.Net.listening = map[string]bool{}
	}
	for _, a := range addresses {
		s.Net.listening[a] = true
	}
	return func() {
		s.Net.mu.Lock()
		defer s.Net.mu.Unlock()
		for _, a := range addresses {
			delete(s.Net.listening, a)
		}
	}, nil
}

// Dial reaches each address that listens and that the network does not block.
func (s *Scripted) Dial(ctx context.Context, addresses []string, within time.Duration) (map[string]string, error) {
	s.wait(ctx)
	if err := s.fault(); err != nil {
		return nil, err
	}
	s.Net.mu.Lock()
	faults, dropped := map[string]string{}, false
	for _, a := range addresses {
		why := s.Net.blocked[[2]string{s.Name, a}]
		if why == "" && !s.Net.listening[a] {
			why = "connection refused"
		}
		if dropped = dropped || why == NoAnswer; why != "" {
			faults[a] = why
		}
	}
	s.Net.mu.Unlock()
	if dropped {
		time.Sleep(within)
	}
	return faults, ctx.Err()
}
