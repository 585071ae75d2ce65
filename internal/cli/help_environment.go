package cli

import (
	"fmt"

	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/programs"
	"topobench/internal/recovery"
	"topobench/internal/ui"
)

// variables are the environment variables that topobench itself reads.
func variables() [][2]string {
	all := [][2]string{
		{programs.CacheVariable, "directory of the tool cache; default: topobench below " + programs.XDGVariable},
		{programs.XDGVariable, "directory of caches; default: ~/.cache"},
		{"HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME", "directory of models, which run downloads before the first " +
			"launch: only the files that an engine loads, and only if they fit on the disk"},
		{tempVariable + ", " + tempFallback, fmt.Sprintf("directory for the private directories of runs: the first "+
			"that is local, not mounted noexec and at most %d bytes long; default: %s", recovery.LongestTemp,
			recovery.DefaultTemp)},
		{"TORCHINDUCTOR_CACHE_DIR, TRITON_CACHE_DIR", "kernels that engines compile; default: kernels in the tool " +
			"cache, kept for all launches"},
		{ui.NoColorVariable, "if set, no colours"},
		{ui.TermVariable, "if it is " + ui.DumbTerm + ", the screen is not redrawn"},
	}
	all = append(all, gpu.AllocationVariables()...)
	for _, t := range programs.Tools() {
		all = append(all, [2]string{t.Variable(), "path of " + string(t) + ", unless a flag or the profile names it"})
	}
	return all
}

func environmentPage(p *page) {
	p.heading("Read by topobench")
	p.table(variables())
	p.heading("Not passed on")
	p.text("Services and aiperf receive the environment of topobench, but for the variables below. A * is any " +
		"beginning or end of a name. The first line of a run names those that are set. A profile passes one on " +
		"with env: {NAME: \"${ENV:NAME}\"}.")
	for _, row := range plan.Dropped() {
		p.item(2, "", row.Text())
		p.item(6, "", row.Why+".")
	}
	p.text("nvidia-smi, ssh and the commands of Slurm, which topobench itself calls, receive the whole environment. " +
		"On another host (topobench help hosts) services inherit that of the login there, by the same rules.")
	p.heading("Variables that cost speed")
	p.text("Before a run starts, a warning names each of these that its workers would receive.")
	for _, row := range plan.SlowVariables() {
		p.item(nameColumn, row.Text(), row.Cost)
	}
	p.heading("Set by topobench")
	for _, a := range plan.Bookkeeping(plan.Placement{Cookie: "RUN-ID", Temp: "DIRECTORY"}) {
		p.item(nameColumn, a.Name+"="+a.Value, a.Why)
	}
	p.text("Over several hosts NO_PROXY and no_proxy begin with the addresses of the hosts.")
	p.text("The directory of a program is the first on its PATH. A service also has the variables that its plan " +
		"needs, such as CUDA_VISIBLE_DEVICES and the ports of Dynamo. topobench plan prints them.")
}
