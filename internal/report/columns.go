package report

import (
	"cmp"
	"strings"
)

// Column is a column of results.csv with the statistic avg, for the manual.
type Column struct{ Name, Help string }

// Columns describes every column of results.csv, in its order.
func Columns() []Column {
	var all []Column
	for _, name := range (Facts{Stat: "avg"}).lines()[0] {
		c := Column{Name: name, Help: columnHelp[name]}
		for _, m := range Metrics() {
			if m.Column == name {
				c.Help = m.Help + ", in " + m.Unit
			}
		}
		all = append(all, c)
	}
	return all
}

// columnHelp describes the columns that are no metrics. It is never written to.
var columnHelp = map[string]string{
	"":                    "number of the row, from 0",
	"label":               "series on the chart: kind and mode of the deployment",
	"configuration":       "path of aiperf's export",
	"concurrency":         "requests at the same time",
	"is_pareto_efficient": "True if the point is on the frontier of its label",
	"valid":               "state of the cell's verdict: valid, unchecked or invalid",
	"reason":              "why the cell is not valid",
	"name":                "name of the profile; empty in a tree of perf.sh",
	"artifacts":           "directory of the topology, artifacts_N",
	"gpus":                "GPUs by which the throughput is divided",
	"simulated":           "True if the engine computes nothing",
	"aiperf_version":      "version of aiperf",
	"token_counts_differ": "True if aiperf and the server count output tokens differently, by more than 2 %",
	"launch":              "2 if the cell was measured after a restart of its topology, else 1",
	"noted":               "checks that could not be made and do not exclude the cell",
	"round":               "round of the launch, from 1; empty if it is not recorded",
	"arm":                 "A or B if one profile was measured twice",
	sloState:              "within, outside or not judged: the means of the concurrency against the SLO; empty without",
	"notes":               "observations that a reader of the number needs, such as a client that was the limit",

	steadyThroughput: "tokens/s in the longest span with 90 % of the requests under way, from concurrency 8 on",
	steadySeconds:    "length of that span",
	ttftRamp:         "TTFT of the last quarter of a wave of requests / of its first quarter, from concurrency 8 on",

	wattsPerGPU:    "mean power of a GPU while the requests were measured, in W; empty if it is unknown",
	tokensPerJoule: "output tokens of all requests for each joule of the GPUs; empty if their power is unknown",

	unsupported: "columns whose percentile needs more requests than the cell has: p90 10, p99 100",
}

// Metric is a number of the table, results.csv and the chart, for the manual.
type Metric struct {
	Shown  string // its column in the table; "" = none
	Column string // in results.csv, with the statistic avg
	Unit   string
	Source string // aiperf's metric
	Help   string
}

// Metrics describes every number, those of the table first.
func Metrics() []Metric {
	var all []Metric
	shown := tableHeader(axis("user", "avg"), "avg")
	for i, column := range theirColumns("avg") {
		all = append(all, describe(column, shown[2+i])) // after series and concurrency
	}
	all = append(all, Metric{Shown: oneLine(goodputHeader), Column: goodput, Unit: "requests/s",
		Source: "profile_export.jsonl",
		Help:   "goodput: requests within every limit of the SLO (empty without an SLO or complete records)"})
	for _, column := range append(ourColumns("avg"), byUsage) {
		all = append(all, describe(column, ""))
	}
	return all
}

// oneLine is the head of a column of the table.
func oneLine(head string) string { return strings.ReplaceAll(head, "\n", " ") }

func describe(column, shown string) Metric {
	tag, stat := metric(column)
	m, own := metricHelp[column]
	if !own {
		m = metricHelp[tag]
		m.Help = strings.ReplaceAll(m.Help, "STAT", cmp.Or(map[string]string{"avg": "mean"}[stat], stat))
	}
	m.Source = cmp.Or(m.Source, tag)
	m.Shown, m.Column = oneLine(shown), column
	return m
}

// metricHelp describes the metrics by aiperf's names, and by column what is computed from them. STAT is
// the statistic. It is never written to.
var metricHelp = map[string]Metric{
	"output_token_throughput_per_user": {Unit: "tokens/s/user",
		Help: "STAT over requests of 1 / inter-token latency: the speed that one user sees"},
	"time_to_first_token":     {Unit: "ms", Help: "STAT over requests of the time to the first token"},
	"inter_token_latency":     {Unit: "ms", Help: "STAT over requests of the time between two tokens"},
	"output_token_throughput": {Unit: "tokens/s", Help: "output tokens of all requests a second"},
	"request_throughput":      {Unit: "requests/s", Help: "completed requests a second"},
	"output_sequence_length":  {Unit: "tokens", Help: "STAT output length, by the text tokenised again"},
	"usage_completion_tokens": {Unit: "tokens", Help: "STAT output length, by the server's usage"},
	cacheRead:                 {Unit: "%", Help: "share of prompt tokens that the servers read from a prefix cache"},
	"e2e_output_token_throughput": {Unit: "tokens/s/user",
		Help: "STAT over requests of output tokens / end-to-end latency: the speed with the wait for the first token"},
	perUserITL: {Unit: "tokens/s/user", Source: "1000 / inter_token_latency p90",
		Help: "the speed at the p90 of the inter-token latency"},
	perGPU: {Unit: "tokens/s/gpu", Source: "output_token_throughput / GPUs",
		Help: "output tokens of all requests a second and GPU, whatever statistic is chosen"},
	byUsage: {Unit: "tokens/s/gpu", Source: "the same, by usage_completion_tokens",
		Help: "tok/s/gpu by the server's count of output tokens"},
}
