package cli

import (
	"topobench/internal/artifacts"
	"topobench/internal/report"
)

func metricsPage(p *page) {
	p.heading("Table and chart")
	shown, further := []report.Metric{}, []report.Metric{}
	for _, m := range report.Metrics() {
		if m.Shown != "" {
			shown = append(shown, m)
		} else {
			further = append(further, m)
		}
	}
	for _, m := range shown {
		p.metric(m.Shown, m, " In results.csv: "+m.Column+".")
	}
	p.text("The chart has tok/s/user from left to right and tok/s/gpu upwards. plot --stat p50 takes the median " +
		"instead of the mean, except for tok/s/gpu.")
	p.axes()
	p.heading("Further columns of results.csv")
	for _, m := range further {
		p.metric(m.Column, m, "")
	}
	p.heading("Token counts")
	p.text("aiperf counts output tokens by tokenising the text again, and a server may count others. If the two " +
		"differ by more than 2 %, the cell has a dagger at tok/s/user, tok/s/gpu and ITL, the sentence with the " +
		"ratio reports it, and results.csv has tok/s/gpu by the server's count.")
	p.heading("Power")
	p.text("While a cell runs, one nvidia-smi on each host prints its GPUs of the topology each second (" +
		artifacts.SamplesName + "). watts_per_gpu is their mean power from the first request to the last one, " +
		"without the start and the end of aiperf, and tokens_per_joule the throughput by that power. Both need the " +
		"power of each GPU, in three samples or more and without a gap of 5 s.")
	p.heading("Prefix cache")
	p.text("As in the guide, all concurrencies have one seed, and each repeats the prompts of the one before. " +
		"--fresh-prompts gives each its own seed. The share of prompts that the servers read from a prefix cache " +
		"is below the table and in results.csv.")
}

func (p *page) metric(name string, m report.Metric, more string) {
	p.add("  " + name)
	p.item(6, "", m.Help+". Unit: "+m.Unit+". Source: "+m.Source+"."+more)
}
