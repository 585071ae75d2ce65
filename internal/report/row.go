package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/slo"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// Row is one cell. Numbers has the cell's metrics by CSV column (tokens/s, requests/s, ms, tokens), without
// those that were not measured. Unsupported are the percentiles of too few requests. Efficient means that the row's
// point, the mean of all repeats, is on the frontier. Noted names the checks that could not be made and do not
// exclude the cell.
type Row struct {
	Label         string             `json:"label"`
	Configuration string             `json:"configuration"` // path of the export
	Concurrency   int                `json:"concurrency"`
	Numbers       map[string]float64 `json:"numbers"`
	Efficient     bool               `json:"is_pareto_efficient"`
	State         verdict.State      `json:"valid"`
	Reasons       []string           `json:"reasons"`
	Noted         []string           `json:"noted"`
	Notes         []string           `json:"notes"` // observations that a reader of the number needs
	Name          string             `json:"name"`
	Artifacts     string             `json:"artifacts"`
	GPUs          int                `json:"gpus"`
	Simulated     bool               `json:"simulated"`
	AIPerf        string             `json:"aiperf_version"`
	CountsDiffer  *bool              `json:"token_counts_differ"` // nil: one of the counts is missing
	Launch        int                `json:"launch"`              // 2: measured after the topology was restarted
	Unsupported   []string           `json:"percentiles_without_evidence"`
	Round         int                `json:"round"` // 0: not recorded
	Arm           string             `json:"arm"`   // A or B if one profile was measured twice
	SLO           slo.Judgement      `json:"slo,omitzero"`

	cell    *artifacts.Cell // rows are copied often
	leftOut bool            // of an adaptive run, and no part of its interval
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

// theirColumns are the numbers of plot_pareto.py, in its order. A column is a metric of aiperf and a statistic.
func theirColumns(stat string) []string {
	return []string{perUser(stat), perGPU, "time_to_first_token_" + stat, "inter_token_latency_" + stat}
}

// ourColumns are the further numbers, without those that theirColumns has with this statistic.
func ourColumns(stat string) []string {
	return slices.DeleteFunc([]string{
		"output_token_throughput_avg",
		"request_throughput_avg",
		"time_to_first_token_p50",
		"time_to_first_token_p99",
		"inter_token_latency_p50",
		"inter_token_latency_p99",
		"output_sequence_length_avg",
		"usage_completion_tokens_avg",
		cacheRead + "_avg",
		"time_to_first_token_p90",
		itlP90,
		perUserITL,
		perUserE2E,
	}, func(column string) bool { return slices.Contains(theirColumns(stat), column) })
}

// metric splits the name of a column. The tags of perGPU, byUsage and perUserITL, which are computed, are no metric of
// aiperf.
func metric(column string) (tag, stat string) {
	i := strings.LastIndex(column, "_")
	return column[:i], column[i+1:]
}

// rows makes a row of every cell. series decides which are efficient.
func rows(cells []artifacts.Cell, o Options) []Row {
	cells = slices.Clone(cells)
	slices.SortStableFunc(cells, func(a, b artifacts.Cell) int {
		return cmp.Or(cmp.Compare(a.N, b.N), cmp.Compare(a.Artifacts, b.Artifacts), // artifacts_1 and artifacts_01
			cmp.Compare(a.Concurrency, b.Concurrency))
	})
	columns := append(theirColumns(o.Stat), ourColumns(o.Stat)...)
	made := make([]Row, 0, len(cells))
	for i := range cells {
		c, d := &cells[i], cells[i].Deployment
		if o.X == "e2e" && c.Err == nil {
			c.Measurement.ReadRecords()
		}
		row := Row{
			Label: d.Label(), Configuration: c.Path, Concurrency: c.Concurrency, Numbers: numbers(*c, columns),
			State: cmp.Or(c.Verdict.State, verdict.Unchecked), Reasons: []string{}, Noted: []string{},
			Notes: []string{},
			Name:  d.Name, Artifacts: c.Artifacts, GPUs: c.GPUs, Simulated: d.Simulated, AIPerf: c.Measurement.AIPerf,
			Launch: c.Launch(), Round: d.Round, Arm: d.Arm, cell: c,
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
		for _, name := range c.Verdict.Notes() {
			row.Notes = append(row.Notes, observation(name))
		}
		row.countTokens()
		row.addRecords()
		row.addPower()
		row.addGoodput(*c, o.SLO)
		row.findUnsupported(columns)
		made = append(made, row)
	}
	leaveOut(made)
	return made
}

// observation is a note in a few words; the sidecar of the cell has the figures.
func observation(name verdict.CheckName) string {
	switch name {
	case verdict.ClientCPU:
		return "the client is the limit"
	case verdict.Tunnel:
		return "measured through a tunnel"
	case verdict.GPUClocks:
		return "GPUs were throttled"
	case verdict.Drift:
		return "measured in part after a change of the setup"
	case verdict.SteadyState:
		return "another throughput in steady state"
	case verdict.Lockstep:
		return "TTFT of requests in lockstep"
	}
	return "note of the check " + string(name)
}

// numbers looks up every column. It leaves out a missing or unusable one; the verdict has the reason if it
// matters.
func numbers(c artifacts.Cell, columns []string) map[string]float64 {
	found := make(map[string]float64, len(columns)+1) // byUsage follows
	if c.Err != nil {
		return found
	}
	for _, column := range columns {
		if v, err := c.Measurement.Value(metric(column)); err == nil {
			found[column] = v
		}
	}
	if v, err := c.Measurement.Value("output_token_throughput", "avg"); err == nil && c.GPUs > 0 {
		found[perGPU] = v / float64(c.GPUs)
	}
	onAxes(c, found)
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

// series is the name of the row's series. The arms of an A/A measurement are two.
func (r Row) series() string {
	if r.Arm == "" {
		return r.Label
	}
	return r.Label + " (" + r.Arm + ")"
}

// round is empty if no file has it.
func (r Row) round() string {
	if r.Round == 0 {
		return ""
	}
	return strconv.Itoa(r.Round)
}

// counts reports whether the row is valid and has a place in the picture.
func (r Row) counts(on Axis) bool {
	_, _, placed := r.point(on)
	return placed && r.State == verdict.Valid && !r.leftOut
}

func (r Row) relaunched() bool { return r.Launch > 1 }

func (r Row) miscounted() bool { return r.CountsDiffer != nil && *r.CountsDiffer }

// point is the row's place in the picture: x on the axis, in tokens/s/user, y in tokens/s/GPU. ok is false if one of
// them was not measured.
func (r Row) point(on Axis) (x, y float64, ok bool) {
	x, hasX := r.Numbers[on.Column]
	y, hasY := r.Numbers[perGPU]
	return x, y, hasX && hasY
}
