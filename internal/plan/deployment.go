package plan

import (
	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/profile"
)

// deployment derives upstream's deployment_config.json from the profile. perf.sh lets a person type these numbers, and
// a wrong one divides all throughput. num_gpus counts a GPU that two roles share once; upstream's formula cannot.
func deployment(p profile.Profile) artifacts.Deployment {
	d := artifacts.Deployment{Kind: p.Kind, Model: modelName(p), ISL: p.Load.ISL, OSL: p.Load.OSL, Mode: p.Mode(),
		Name: p.Name, Engine: p.Engine, Simulated: p.Engine == "mocker", NumGPUs: p.GPUs()}
	d.TP, d.DP = parallelism(p, p.Aggregated)
	d.PrefillTP, d.PrefillDP = parallelism(p, p.Prefill)
	d.DecodeTP, d.DecodeDP = parallelism(p, p.Decode)
	names := map[string]string{} // one for each machine, so that a GPU has one name
	for _, g := range groups(p) {
		for _, w := range g.workers {
			machine := p.Machine(w.Host)
			if _, named := names[machine]; !named {
				names[machine] = w.Host
			}
			worker := artifacts.Worker{Role: string(g.role), Devices: w.Devices, TP: w.TP, DP: w.DP,
				Host: names[machine]}
			if w.PP > 1 {
				worker.PP = w.PP
			}
			d.Workers = append(d.Workers, worker)
		}
	}
	return d
}

// RequestsOf is the part of deployment_config.json that describes the requests of a load.
func RequestsOf(l aiperf.Load) *artifacts.Load {
	return &artifacts.Load{Seed: l.Seed, FreshPrompts: l.FreshPrompts,
		Requests: l.Requests(1), Warmup: l.Warmup(1), Extra: l.Extra(), Args: l.Args}
}

// parallelism is upstream's pair of a role: tp, and the number of workers of that width. Upstream has no pipeline
// parallelism, so tp includes it. For workers that differ or
// share GPUs it is 1 and the number of GPUs, so that the product stays right, which is all that plot_pareto.py uses.
func parallelism(p profile.Profile, workers []profile.Worker) (tp, dp int) {
	if len(workers) == 0 {
		return 0, 0
	}
	gpus := profile.Profile{Aggregated: workers, Hosts: p.Hosts}.GPUs()
	first := workers[0]
	for _, w := range workers {
		if w.TP*w.PP != first.TP*first.PP || w.DP != first.DP || gpus != len(workers)*len(first.GPUs()) {
			return 1, gpus
		}
	}
	return first.TP * first.PP, first.DP * len(workers)
}
