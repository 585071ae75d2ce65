package cli

import (
	"fmt"
	"strings"

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
	for _, t := range programs.Tools() {
		all = append(all, [2]string{t.Variable(), "path of " + string(t) + ", unless a flag or the profile names it"})
	}
	return all
}

func environmentPage(p *page) {
	p.heading("Read by topobench")
	p.table(variables())
	inherited := func(title string, rows []plan.Variables) {
		p.heading(title)
		for _, row := range rows {
			p.item(2, "", strings.Join(row.Names, " "))
			p.item(6, "", row.Why)
		}
	}
	inherited("Inherited by services and aiperf", plan.Inherited())
	p.text("They receive no other variable of the caller, and so no credentials of other programs. A profile " +
		"passes one on with env: {NAME: \"${ENV:NAME}\"}.")
	inherited("Never inherited, although a prefix above fits", plan.NeverInherited())
	p.heading("Set by topobench")
	for _, a := range plan.Bookkeeping(plan.Placement{Cookie: "RUN-ID", Temp: "DIRECTORY"}) {
		p.item(nameColumn, a.Name+"="+a.Value, a.Why)
	}
	p.text("A service also has the variables that its plan needs, such as CUDA_VISIBLE_DEVICES and the ports of " +
		"Dynamo. topobench plan prints them.")
}
