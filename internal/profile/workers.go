package profile

import "fmt"

// namedWorker is a worker with the name messages use (prefill-0) and its place
// in the file (prefill[0]).
type namedWorker struct {
	Worker
	name, path string
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
