package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/text"
)

// Setup describes how cells were measured. All points of one frontier share it. Two series are compared
// only if model, ISL and OSL are equal; the GPUs may differ, because throughput is divided by them, and the
// other differences are reported beside the ratio. An empty text means that no file has the value.
type Setup struct {
	Model    string `json:"model,omitzero"`
	ISL      int    `json:"isl,omitzero"` // tokens
	OSL      int    `json:"osl,omitzero"` // tokens
	GPUs     int    `json:"gpus,omitzero"`
	Seed     string `json:"seed,omitzero"`             // "100", or "100 + concurrency" for fresh prompts
	Requests string `json:"requests,omitzero"`         // "10 x concurrency", or "500"
	Warmup   string `json:"warmup_requests,omitzero"`  // likewise
	Extra    string `json:"extra_inputs,omitzero"`     // of the request body
	Args     string `json:"aiperf_arguments,omitzero"` // of load.args, or "none"

	GPUModel   string `json:"gpu_model,omitzero"`
	PowerLimit string `json:"power_limit,omitzero"` // of each GPU: "700 W"
}

type trait struct{ name, value string }

// traits are the values of a setup by the names of the table of differences.
func (s Setup) traits() []trait {
	return []trait{{"isl", strconv.Itoa(s.ISL)}, {"osl", strconv.Itoa(s.OSL)}, {"model", s.Model},
		{"gpus", strconv.Itoa(s.GPUs)}, {"seed", s.Seed}, {"requests", s.Requests}, {"warm-up requests", s.Warmup},
		{"extra inputs", s.Extra}, {"aiperf arguments", s.Args},
		{artifacts.GPUModel, s.GPUModel}, {artifacts.PowerLimit, s.PowerLimit}}
}

// workload is the part of a setup without which throughputs are not comparable at all.
func (s Setup) workload() []trait { return between(s.traits(), Refuses) }

// requests is the part about requests that a ratio is reported with if the sides differ in it.
func (s Setup) requests() []trait { return slices.DeleteFunc(between(s.traits(), Stated), ofGPUs) }

// hardware is the part about GPUs that a ratio is reported with if the sides differ in it.
func (s Setup) hardware() []trait {
	return slices.DeleteFunc(between(s.traits(), Stated), func(t trait) bool { return !ofGPUs(t) })
}

func ofGPUs(t trait) bool { return t.name == artifacts.GPUModel || t.name == artifacts.PowerLimit }

// setupOf is the setup of cells of one topology. An export is closer to the truth than the plan in
// deployment_config.json, which older trees do not have. A failed cell has the plan only.
func setupOf(rows []Row) Setup {
	d := rows[0].cell.Deployment
	s := Setup{Model: d.Model, ISL: d.ISL, OSL: d.OSL, GPUs: rows[0].GPUs}
	s.GPUModel, s.PowerLimit = onMachines(rows, artifacts.GPUModel), onMachines(rows, artifacts.PowerLimit)
	seeds, requests, warmups := map[int]int{}, map[int]int{}, map[int]int{}
	var extras, args []string
	fresh, planned := false, ""
	var extra string
	var inputs map[string]string // of which extra is the text
	for i := range rows {
		m, plan, c := &rows[i].cell.Measurement, rows[i].cell.Deployment.Load, rows[i].Concurrency
		if rows[i].cell.Err != nil && plan == nil {
			continue
		}
		if !maps.Equal(m.Extra, inputs) {
			extra, inputs = artifacts.ExtraInputs(m.Extra), m.Extra
		}
		if plan != nil {
			fresh = plan.FreshPrompts
			seeds[c], requests[c], warmups[c] = plan.Seed, plan.Requests*c, plan.Warmup*c
			if fresh {
				seeds[c] += c
			}
			planned, args = plan.ExtraInputs(), union(args, plan.Arguments())
		}
		if m.Seed != nil {
			seeds[c] = *m.Seed
		}
		if m.Requests > 0 {
			requests[c], warmups[c] = m.Requests, m.Warmup
		}
		if sent := cmp.Or(extra, planned); rows[i].cell.Err == nil && sent != "" {
			extras = union(extras, sent)
		}
	}
	s.Seed = seedText(seeds, fresh)
	s.Requests, s.Warmup = countText(requests), countText(warmups)
	s.Extra, s.Args = cmp.Or(strings.Join(extras, " or "), planned), strings.Join(args, " or ")
	return s
}

// seedText describes the seeds of cells by concurrency. Fresh prompts have the seed "100 + concurrency".
func seedText(seeds map[int]int, fresh bool) string {
	seed, constant := common(seeds, func(_, seed int) float64 { return float64(seed) })
	base, rising := common(seeds, func(c, seed int) float64 { return float64(seed - c) })
	switch {
	case rising && (fresh || !constant):
		return fmt.Sprintf("%.0f + concurrency (fresh prompts)", base)
	case constant:
		return fmt.Sprintf("%.0f", seed)
	}
	return listed(seeds)
}

// countText describes numbers of requests by concurrency. perf.sh's are "10 x concurrency".
func countText(counts map[int]int) string {
	if factor, ok := common(counts, func(c, n int) float64 { return float64(n) / float64(c) }); ok {
		return fmt.Sprintf("%g x concurrency", factor)
	}
	if n, ok := common(counts, func(_, n int) float64 { return float64(n) }); ok {
		return fmt.Sprintf("%.0f", n)
	}
	return listed(counts)
}

// common is the value that f has for all cells; ok is false if there is none, or no cell.
func common(byConcurrency map[int]int, f func(c, v int) float64) (value float64, ok bool) {
	for c, v := range byConcurrency {
		if ok && f(c, v) != value {
			return 0, false
		}
		value, ok = f(c, v), true
	}
	return value, ok
}

func listed(byConcurrency map[int]int) string {
	var texts []string
	for _, c := range slices.Sorted(maps.Keys(byConcurrency)) {
		texts = append(texts, fmt.Sprintf("%d at concurrency %d", byConcurrency[c], c))
	}
	return strings.Join(texts, ", ")
}

// onMachines has each value of a name that the machines of the rows have: "500 W or 700 W".
func onMachines(rows []Row, name string) string {
	var values []string
	for i := range rows {
		value := rows[i].cell.Deployment.Machine[name]
		if value != "" && (len(values) == 0 || values[len(values)-1] != value) {
			values = union(values, value)
		}
	}
	return strings.Join(values, " or ")
}

// stages names the pipeline parallelism of the workers that have it: ", decode in 2 stages". The width includes it.
func stages(d artifacts.Deployment) string {
	var roles []string
	for _, w := range d.Workers {
		if w.PP > 1 {
			roles = append(roles, fmt.Sprintf(", %s in %d stages", w.Role, w.PP))
		}
	}
	return strings.Join(text.Distinct(roles), "")
}

// width is the parallelism of a topology.
func width(d artifacts.Deployment) string {
	if d.Mode == "disaggregated" {
		return fmt.Sprintf("prefill %d x %d, decode %d x %d%s", d.PrefillTP, d.PrefillDP, d.DecodeTP, d.DecodeDP,
			stages(d))
	}
	return fmt.Sprintf("%d x %d%s", d.TP, d.DP, stages(d))
}

// loadSettings has a side for each series that has a setup, with the values that files have.
func loadSettings(all []Series) artifacts.Settings {
	var names []string
	sides := []artifacts.Side{}
	for _, one := range all {
		if len(one.Mixed) > 0 {
			continue
		}
		side := artifacts.Side{Name: one.Label, Values: map[string]string{}}
		for _, t := range append(one.workload(), one.requests()...) {
			if t.value != "" {
				side.Values[t.name] = t.value
			}
			names = union(names, t.name)
		}
		sides = append(sides, side)
	}
	return artifacts.Compare(sides, names)
}

// SettingsTable has the settings that differ between the sides: those of the engines, what they run on, and the load.
// Only if nothing differs it reports that they are the same. It is empty if there are no two sides.
func SettingsTable(engines, load artifacts.Settings) string {
	if len(engines.Differ)+len(load.Differ) > 0 {
		loads := []section{{"load settings that differ", load.Differ}}
		return sideBySide(engines, sections(engines)) + sideBySide(load, loads)
	}
	same := ""
	if len(engines.Sides) > 1 {
		same = "engine settings: the same on every side\n"
	}
	if len(load.Sides) > 1 {
		same += "load settings: the same on every side" + unrecorded(load.Sides[0]) + "\n"
	}
	return same
}

// unrecorded names the values about requests that a side does not have: " (not recorded: seed)".
func unrecorded(side artifacts.Side) string {
	var names []string
	for _, t := range (Setup{}).requests() {
		if side.Values[t.name] == "" {
			names = append(names, t.name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (not recorded: " + strings.Join(names, ", ") + ")"
}

// section is a part of a table under a title.
type section struct {
	title string
	names []string
}

// sections are the settings of engines that differ, by group.
func sections(s artifacts.Settings) []section {
	all := []section{{title: "engine settings that differ"}, {title: "environment variables that differ"},
		{title: "program versions that differ"}, {title: "machines that differ"}}
	place := map[artifacts.Group]int{artifacts.Variable: 1, artifacts.Program: 2, artifacts.Hardware: 3}
	for _, name := range s.Differ {
		group := &all[place[s.Groups[name]]]
		group.names = append(group.names, name)
	}
	return all
}

// sideBySide has a column for each side, and a row for each name of the sections.
func sideBySide(s artifacts.Settings, sections []section) string {
	var rows [][]string
	row := func(first string, of func(artifacts.Side) string) {
		values := text.Each(s.Sides, func(side artifacts.Side) string { return text.Clean(of(side)) })
		rows = append(rows, append([]string{first}, values...))
	}
	for _, part := range sections {
		if len(part.names) > 0 {
			row(part.title, func(side artifacts.Side) string { return side.Name })
		}
		for _, name := range part.names {
			row("  "+text.Clean(name), func(side artifacts.Side) string { return cmp.Or(side.Values[name], "?") })
		}
	}
	if len(rows) == 0 {
		return ""
	}
	return text.Sides(rows)
}
