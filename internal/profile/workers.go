package profile

import "fmt"

// namedWorker is a worker with the name messages use (prefill-0) and its place in the file (prefill[0]).
type namedWorker struct {
	Worker
	name, path string
}

// servers are the frontend, the balancer and all workers, each with its port and host.
func (p Profile) servers() []namedWorker {
	var all []namedWorker
	if f := p.Frontend; f != nil {
		all = append(all, namedWorker{Worker{Port: f.Port, Host: f.Host}, "frontend", "frontend"})
	}
	if b := p.Balancer; b != nil {
		all = append(all, namedWorker{Worker{Port: b.Port, Host: b.Host}, "balancer", "balancer"})
	}
	return append(all, p.workers()...)
}

// workers lists all workers, by role and then as written.
func (p Profile) workers() []namedWorker {
	var all []namedWorker
	add := func(role string, workers []Worker) {
		for i, w := range workers {
			all = append(all, namedWorker{w, fmt.Sprintf("%s-%d", role, i), fmt.Sprintf("%s[%d]", role, i)})
		}
	}
	add("prefill", p.Prefill)
	add("decode", p.Decode)
	add("aggregated", p.Aggregated)
	return all
}
