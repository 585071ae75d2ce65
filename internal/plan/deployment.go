package plan

import (
	"topobench/internal/profile"
	"topobench/internal/result"
)

// deployment derives upstream's deployment_config.json from the profile: what
// perf.sh makes a person type, where a wrong number divides all throughput.
func deployment(p profile.Profile) result.Deployment {
	d := result.Deployment{Kind: p.Kind, Model: served(p), ISL: p.Load.ISL, OSL: p.Load.OSL, Mode: p.Mode(),
		Name: p.Name, Engine: p.Engine, Simulated: p.Engine == "mocker", NumGPUs: p.GPUs()}
	d.TP, d.DP = parallelism(p.Aggregated)
	d.PrefillTP, d.PrefillDP = parallelism(p.Prefill)
	d.DecodeTP, d.DecodeDP = parallelism(p.Decode)
	for _, g := range []group{{Prefill, p.Prefill}, {Decode, p.Decode}, {Aggregated, p.Aggregated}} {
		for _, w := range g.workers {
			d.Workers = append(d.Workers, result.Worker{Role: string(g.role), Devices: w.Devices, TP: w.TP, DP: w.DP, Host: w.Host})
		}
	}
	return d
}

// parallelism is upstream's pair of a role: tp, and how many workers of that
// width. Where workers differ it is 1 and the number of devices, so that the
// product, which is all that plot_pareto.py uses, stays right.
func parallelism(workers []profile.Worker) (tp, dp int) {
	devices, equal := 0, true
	for _, w := range workers {
		devices += len(w.Devices)
		equal = equal && w.TP == workers[0].TP && w.DP == workers[0].DP
	}
	if len(workers) == 0 {
		return 0, 0
	}
	if !equal {
		return 1, devices
	}
	return workers[0].TP, workers[0].DP * len(workers)
}
