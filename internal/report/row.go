package report

import (
	"cmp"
	"slices"

	"topobench/internal/artifacts"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// Row is one cell. Numbers has the cell's metrics by CSV column (tokens/s, requests/s, ms, tokens), without
// those that were not measured. Efficient means that its point, the mean of all repeats, is on the frontier.
// Noted names the checks that could not be made and do not exclude the cell.
type Row struct {
	Label         string             `json:"label"`
	Configuration string             `json:"configuration"` // path of the export
	Concurrency   int                `json:"concurrency"`
	Numbers       map[string]float64 `json:"numbers"`
	Efficient     bool               `json:"is_pareto_efficient"`
	State         verdict.State      `json:"valid"`
	Reasons       []string           `json:"reasons"`
	Noted         []string           `json:"noted"`
	Name          string             `json:"name"`
	Artifacts     string             `json:"artifacts"`
	GPUs          int                `json:"gpus"`
	Simulated     bool               `json:"simulated"`
	AIPerf        string             `json:"aiperf_version"`
	CountsDiffer  *bool              `json:"token_counts_differ"` // nil: one of the counts is missing
	Launch        int                `json:"launch"`              // 2: measured after the topology was restarted

	cell artifacts.Cell
}

const (
	// perGPU is output_token_throughput / GPUs; upstream uses the average whatever statistic x has.
	perGPU = "output_token_throughput_per_gpu_avg"
	// byUsage is perGPU with the server's own count of output tokens.
	byUsage = "output_token_throughput_per_gpu_by_usage"
	// cacheRead is the share of prompt tokens, in percent, that the servers read from their prefix caches.
	cacheRead = "overall_usage_prompt_cache_read_pct"
)

func perUser(stat string) string { return "output_token_throughput_per_user_" + stat }

// metric is a statistic of a metric of an export.
type metric struct{ tag, stat string }

func (m metric) column() string { return m.tag + "_" + m.stat }

// upstreams are the metrics that plot_pareto.py writes, without perGPU.
func upstreams(stat string) []metric {
	return []metric{
		{"output_token_throughput_per_user", stat},
		{"time_to_first_token", stat},
		{"inter_token_latency", stat},
	}
}

// ours are the further metrics, without those that upstreams has with this statistic.
func ours(stat string) []metric {
	return slices.DeleteFunc([]metric{
		{"output_token_throughput", "avg"},
		{"request_throughput", "avg"},
		{"time_to_first_token", "p50"},
		{"time_to_first_token", "p99"},
		{"inter_token_latency", "p50"},
		{"inter_token_latency", "p99"},
		{"output_sequence_length", "avg"},
		{"usage_completion_tokens", "avg"},
		{cacheRead, "avg"},
	}, func(m metric) bool { return slices.Contains(upstreams(stat), m) })
}

// rows makes a row of every cell. series decides which are efficient.
func rows(cells []artifacts.Cell, stat string) []Row {
	cells = slices.Clone(cells)
	slices.SortStableFunc(cells, func(a, b artifacts.Cell) int {
		return cmp.Or(cmp.Compare(a.N, b.N), cmp.Compare(a.Concurrency, b.Concurrency))
	})
	metrics := append(upstreams(stat), ours(stat)...)
	made := make([]Row, 0, len(cells))
	for _, c := range cells {
		d := c.Deployment
		row := Row{
			Label: d.Label(), Configuration: c.Path, Concurrency: c.Concurrency, Numbers: numbers(c, metrics),
			State: cmp.Or(c.Verdict.State, verdict.Unchecked), Reasons: []string{}, Noted: []string{}, Name: d.Name,
			Artifacts: c.Artifacts, GPUs: c.GPUs, Simulated: d.Simulated, AIPerf: c.Measurement.AIPerf,
			Launch: c.Launch(), cell: c,
		}
		reasons := c.Verdict.Reasons
		if c.Err != nil {
			row.State = verdict.Invalid
			if len(reasons) == 0 {
				reasons = []string{c.Err.Error()}
			}
		}
		for _, reason := range reasons {
			row.Reasons = append(row.Reasons, text.Clean(reason))
		}
		for _, name := range c.Verdict.Noted() {
			row.Noted = append(row.Noted, string(name))
		}
		row.countTokens()
		made = append(made, row)
	}
	return made
}

// numbers looks up every metric. It leaves out a missing or unusable one; the verdict has the reason if it
// matters.
func numbers(c artifacts.Cell, metrics []metric) map[string]float64 {
	found := make(map[string]float64, len(metrics)+2) // perGPU and byUsage are computed
	if c.Err != nil {
		return found
	}
	for _, m := range metrics {
		if v, err := c.Measurement.Value(m.tag, m.stat); err == nil {
			found[m.column()] = v
		}
	}
	if v, err := c.Measurement.Value("output_token_throughput", "avg"); err == nil && c.GPUs > 0 {
		found[perGPU] = v / float64(c.GPUs)
	}
	return found
}

// countTokens compares aiperf's count of output tokens, for which it tokenises the text again, with the
// server's usage. On real engines aiperf's count was up to a quarter higher, and so was its throughput.
func (r *Row) countTokens() {
	text, hasText := r.Numbers["output_sequence_length_avg"]
	usage, hasUsage := r.Numbers["usage_completion_tokens_avg"]
	if !hasText || !hasUsage {
		return
	}
	differ := verdict.Apart(text, usage)
	r.CountsDiffer = &differ
	if y, ok := r.Numbers[perGPU]; ok && text > 0 {
		r.Numbers[byUsage] = y * usage / text
	}
}

func (r Row) relaunched() bool { return r.Launch > 1 }

func (r Row) miscounted() bool { return r.CountsDiffer != nil && *r.CountsDiffer }

// point is the row's place in the picture: x in tokens/s/user, y in tokens/s/GPU. ok is false if one of them
// was not measured.
func (r Row) point(stat string) (x, y float64, ok bool) {
	x, hasX := r.Numbers[perUser(stat)]
	y, hasY := r.Numbers[perGPU]
	return x, y, hasX && hasY
}
