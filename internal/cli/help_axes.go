package cli

import "topobench/internal/report"

// axes explains --x.
func (p *page) axes() {
	p.heading("Axes of tok/s/user, run --x and plot --x")
	for _, a := range report.Axes() {
		p.add("  " + a.Flag)
		p.item(6, "", a.Help+". Column: "+a.Column+". Files: pareto_plot"+a.File+".png, results"+a.File+".csv.")
	}
	p.text("aiperf exports the number of e2e from 0.8 on; before, it is computed from profile_export.jsonl beside " +
		"the export, by the same rule. An aiperf that wrote neither has no e2e. --stat is for the axis user only.")
	p.text("The sentence with a ratio has, in this order: the numbers with the interval, the verdict, the A/A of " +
		"this node, what limits the numbers, and each other axis on which the other side has more tok/s/gpu, in the " +
		"middle of the shared range of that axis. A second sentence has the TTFT of both sides, in the measured " +
		"cells between which the ratio is read (- if too few requests completed). An axis has a part in this if " +
		"every valid cell of both sides has its number: e2e from the export, and before aiperf 0.8 from the records, " +
		"which are read for the number of requests anyway. Further records are read with --x e2e only.")
}
