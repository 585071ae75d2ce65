package report

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"topobench/internal/artifacts"
	"topobench/internal/frontier"
	"topobench/internal/verdict"
)

// Row is one cell. Numbers has the cell's metrics by CSV column (tokens/s, requests/s, ms, tokens);
// what was not measured is not in it.
type Row struct {
	Label         string             `json:"label"`
	Configuration string             `json:"configuration"` // path of the export
	Concurrency   int                `json:"concurrency"`
	Numbers       map[string]float64 `json:"numbers"`
	Efficient     bool               `json:"is_pareto_efficient"`
	State         verdict.State      `json:"valid"`
	Reasons       []string           `json:"reasons"`
	Name          string             `json:"name"`
	Artifacts     string             `json:"artifacts"`
	GPUs          int                `json:"gpus"`
	Simulated     bool               `json:"simulated"`
	AIPerf        string             `json:"aiperf_version"`
	CountsDiffer  *bool              `json:"token_counts_differ"` // nil: one of the counts is missing
	Launch        int                `json:"launch"`              // 2: measured after the topology was made anew

	mode  string // aggregated or disaggregated
	setup Setup
}

// perGPU is output_token_throughput / GPUs: upstream has it as avg whatever statistic x has.
const perGPU = "output_token_throughput_per_gpu_avg"

// byUsage is perGPU with the server's own count of output tokens.
const byUsage = "output_token_throughput_per_gpu_by_usage"

// cacheRead is the share of prompt tokens, in percent, that the servers say came
// from their prefix caches.
const cacheRead = "overall_usage_prompt_cache_read_pct"

// CacheRead is the least and the greatest share of prompt tokens, in percent, that
// the servers of any cell took from a prefix cache; none where no server tells.
func (f Facts) CacheRead() (least, greatest float64, told bool) {
	for _, r := range f.Rows {
		share, ok := r.Numbers[cacheRead+"_avg"]
		if !ok {
			continue
		}
		if !told {
			least, greatest, told = share, share, true
		}
		least, greatest = min(least, share), max(greatest, share)
	}
	return least, greatest, told
}

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

// ours are the metrics that stand after upstream's, without those that upstream has already.
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

// rows makes a row of every cell. Which are efficient is decided by series.
func rows(cells []artifacts.Cell, stat string) []Row {
	cells = slices.Clone(cells)
	slices.SortStableFunc(cells, func(a, b artifacts.Cell) int {
		return cmp.Or(cmp.Compare(a.N, b.N), cmp.Compare(a.Concurrency, b.Concurrency))
	})
	asked := append(upstreams(stat), ours(stat)...)
	made := make([]Row, 0, len(cells))
	for _, c := range cells {
		row := Row{
			Label: c.Deployment.Label(), Configuration: c.Path, Concurrency: c.Concurrency,
			Numbers: numbers(c, asked), State: state(c), Reasons: reasons(c),
			Name: c.Deployment.Name, Artifacts: c.Artifacts, GPUs: c.GPUs,
			Simulated: c.Deployment.Simulated, AIPerf: c.Measurement.AIPerf, Launch: c.Launch(), mode: c.Deployment.Mode,
			setup: Setup{c.Deployment.Model, c.Deployment.ISL, c.Deployment.OSL, c.GPUs},
		}
		row.countTokens()
		made = append(made, row)
	}
	return made
}

// countTokens compares aiperf's count of output tokens, the text tokenised again,
// with the server's usage. On real engines it was up to a quarter higher, and all
// of aiperf's throughput with it.
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

func (r Row) anew() bool { return r.Launch > 1 }

// miscounted is true where the counts are known to differ.
func (r Row) miscounted() bool { return r.CountsDiffer != nil && *r.CountsDiffer }

// numbers looks every metric up. One that is missing or unusable is left out; the cell's verdict has
// the reason if it matters.
func numbers(c artifacts.Cell, asked []metric) map[string]float64 {
	found := make(map[string]float64, len(asked)+2) // and two that are computed
	if c.Err != nil {
		return found
	}
	for _, m := range asked {
		if v, err := c.Measurement.Value(m.tag, m.stat); err == nil {
			found[m.column()] = v
		}
	}
	if v, err := c.Measurement.Value("output_token_throughput", "avg"); err == nil && c.GPUs > 0 {
		found[perGPU] = v / float64(c.GPUs)
	}
	return found
}

// state is the verdict; a cell that could not be read is invalid, one without a verdict unchecked.
func state(c artifacts.Cell) verdict.State {
	if c.Err != nil {
		return verdict.Invalid
	}
	return cmp.Or(c.Verdict.State, verdict.Unchecked)
}

func reasons(c artifacts.Cell) []string {
	said := c.Verdict.Reasons
	if len(said) == 0 && c.Err != nil {
		said = []string{c.Err.Error()}
	}
	lines := []string{}
	for _, reason := range said {
		lines = append(lines, printable(reason))
	}
	return lines
}

// point is where the row stands in the picture; false if a coordinate was not measured.
func (r Row) point(stat string) (frontier.Point, bool) {
	x, hasX := r.Numbers[perUser(stat)]
	y, hasY := r.Numbers[perGPU]
	return frontier.Point{X: x, Y: y}, hasX && hasY
}

func (r Row) placed(stat string) bool {
	_, ok := r.point(stat)
	return ok
}

// printable makes one line of a text and drops what could command a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return -1
	}, s)
}
