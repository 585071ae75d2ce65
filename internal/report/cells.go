package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/stats"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// groupView is the cells of one series and concurrency, to which the points of the chart link.
type groupView struct {
	ID, Name, State, Count string
	Cells                  []cellView
}

// cellView is one cell with its numbers, its checks and its samples.
type cellView struct {
	Name, State string
	Reasons     []string
	Numbers     [][2]string
	Checks      [][2]string // that did not pass
	Passed      string
	Samples     []smallView
}

// group names the cells of a series and a concurrency in links.
func group(series, concurrency int) string { return fmt.Sprintf("cell-%d-%d", series, concurrency) }

func (f Facts) groupOf(r Row) string {
	i := slices.IndexFunc(f.Series, func(s Series) bool { return s.Label == r.series() })
	return group(i, r.Concurrency)
}

// groups has the cells in the order of series and concurrency.
func (f Facts) groups(samples map[string][]smallView) (all []groupView) {
	for i, s := range f.Series {
		byConcurrency := map[int][]Row{}
		for _, r := range f.Rows {
			if r.series() == s.Label {
				byConcurrency[r.Concurrency] = append(byConcurrency[r.Concurrency], r)
			}
		}
		for _, c := range slices.Sorted(maps.Keys(byConcurrency)) {
			g := groupView{ID: group(i, c), State: string(verdict.Valid),
				Name: text.Clean(s.Label) + fmt.Sprintf(", concurrency %d", c)}
			valid := 0
			for _, r := range byConcurrency[c] {
				if r.State == verdict.Valid {
					valid++
				} else {
					g.State = string(r.State)
				}
				g.Cells = append(g.Cells, r.view(samples[r.Configuration]))
			}
			if g.Count = g.State; len(g.Cells) > 1 {
				g.Count = fmt.Sprintf("%d of %d valid", valid, len(g.Cells))
			}
			all = append(all, g)
		}
	}
	return all
}

func (r Row) view(samples []smallView) cellView {
	name := text.Clean(r.Artifacts)
	if r.Round > 0 {
		name += fmt.Sprintf(", round %d", r.Round)
	}
	v := cellView{Name: name, State: string(r.State), Reasons: r.Reasons, Samples: samples, Numbers: r.lines()}
	var passed []string
	for _, c := range r.cell.Verdict.Checks {
		if c.State == verdict.Valid {
			passed = append(passed, string(c.Name))
			continue
		}
		v.Checks = append(v.Checks, [2]string{text.Clean(string(c.Name)),
			text.Clean(string(c.State) + ": " + c.Detail)})
	}
	if len(passed) > 0 {
		v.Passed = text.Clean(text.Count(len(passed), "check", "checks") + " passed: " + strings.Join(passed, ", "))
	}
	return v
}

// lines are all numbers of a cell with their units, by name.
func (r Row) lines() (lines [][2]string) {
	for _, column := range slices.Sorted(maps.Keys(r.Numbers)) {
		value := r.shown(column) + unit(column)
		if slices.Contains(r.Unsupported, column) {
			value = tooFew
		}
		lines = append(lines, [2]string{spelt(column), value})
	}
	if r.AIPerf != "" {
		lines = append(lines, [2]string{"aiperf", text.Clean(r.AIPerf)})
	}
	return lines
}

// tooFew stands in place of a percentile that too few requests support, as a blank does in the table.
const tooFew = "too few requests"

// spelt is a column in words.
func spelt(column string) string { return strings.ReplaceAll(column, "_", " ") }

// unit is that of a column, after a blank.
func unit(column string) string {
	if !strings.Contains(column, "_") {
		return ""
	}
	if u := describe(column, "").Unit; u != "" {
		return " " + u
	}
	return ""
}

// describe has every fact of a point: its means with their intervals, and the numbers of each valid launch.
func (f Facts) describe(s Series, p Point) string {
	lines := []string{fmt.Sprintf("%s, concurrency %d", s.Label, p.Concurrency),
		"tok/s/user" + f.axis.marked() + ": " + sampleText(p.X), "tok/s/gpu: " + sampleText(p.Y)}
	if p.TTFT.N > 0 {
		lines = append(lines, "TTFT ms "+f.Stat+": "+sampleText(p.TTFT))
	}
	where := "not on the frontier"
	if p.Efficient {
		where = "on the frontier"
	}
	lines = append(lines, where+"; valid launches: "+s.validText(p))
	values := map[string][]string{}
	for _, r := range f.Rows {
		if r.series() == s.Label && r.Concurrency == p.Concurrency && r.counts(f.axis) {
			for column := range r.Numbers {
				values[column] = append(values[column], cmp.Or(r.shown(column), tooFew))
			}
		}
	}
	for _, column := range slices.Sorted(maps.Keys(values)) {
		lines = append(lines, spelt(column)+": "+strings.Join(values[column], ", ")+unit(column))
	}
	return strings.Join(text.Each(lines, text.Clean), "\n")
}

// describe has every fact of a cell that is a point of its own.
func (r Row) describe(on Axis) string {
	lines := []string{fmt.Sprintf("%s, concurrency %d, %s", r.series(), r.Concurrency, r.Artifacts),
		string(r.State) + ": " + cmp.Or(strings.Join(r.Reasons, "; "), "its series has no frontier"),
		"tok/s/user" + on.marked() + ": " + r.shown(on.Column)}
	for _, line := range r.lines() {
		lines = append(lines, line[0]+": "+line[1])
	}
	return strings.Join(text.Each(lines, text.Clean), "\n")
}

// sampleText is a mean, with its interval over launches.
func sampleText(s stats.Sample) string {
	if low, high, ok := s.Interval(); ok {
		return fmt.Sprintf("%s (%s interval %s to %s)", number(s.Mean), percent(stats.Confidence), number(low),
			number(high))
	}
	return number(s.Mean)
}

// launchView is the provenance of one launch.
type launchView struct {
	Name     string
	Facts    [][2]string
	Services []serviceView
	Profile  string // empty if an earlier launch has the same
	Same     string // name of that launch
}

type serviceView struct{ Name, Argv, Environment string }

// launchViews has the launches in the order of artifacts_N.
func (f Facts) launchViews(x Extras) (all []launchView) {
	first := map[string]string{} // launch by the hash of its profile
	groups, _ := byArtifacts(f.Rows)
	for _, group := range groups {
		for _, p := range x.Provenance[group[0].Artifacts] {
			v := launchView{Name: text.Clean(fmt.Sprintf("%s in %s, launch %d", p.Name, group[0].Artifacts, p.Launch)),
				Facts: provenanceLines(p)}
			for _, s := range p.Services {
				v.Services = append(v.Services, serviceView{text.Clean(s.Name), text.Clean(strings.Join(s.Argv, " ")),
					cleanLines(strings.Join(s.Environment, "\n"))})
			}
			if v.Same = first[p.Profile.Hash]; v.Same == "" {
				first[p.Profile.Hash], v.Profile = v.Name, cleanLines(cmp.Or(p.Profile.Text, p.Profile.Resolved))
			}
			all = append(all, v)
		}
	}
	return all
}

// factLine is facts in one line: "driver 580.65.06, kernel 6.8.0".
func factLine(facts artifacts.Values) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		parts = append(parts, name+" "+facts[name])
	}
	return strings.Join(parts, ", ")
}

// provenanceLines are the facts of a launch that fit in a line.
func provenanceLines(p artifacts.Provenance) (lines [][2]string) {
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, [2]string{text.Clean(name), text.Clean(value)})
		}
	}
	add("profile", strings.TrimSpace(p.Profile.Source+" "+p.Profile.Hash))
	add("begun", p.Begun.UTC().Format("2006-01-02 15:04:05 UTC"))
	add("processes started in", clock(p.Launched))
	add("ready after", clock(p.Engine))
	for _, s := range p.Services {
		if s.ModelLoad > 0 {
			add(s.Name+" loaded the model in", clock(s.ModelLoad))
		}
		add(s.Name+" transports", strings.Join(s.Transport, ", "))
	}
	for _, values := range []artifacts.Values{p.Programs, p.Host} {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			add(name, values[name])
		}
	}
	for _, g := range p.GPUs {
		parts := []string{g.Name, g.UUID, "PCI " + g.Bus, g.Memory, "limit " + g.Limit, "default " + g.Default,
			g.Clocks, "MIG " + g.MIG}
		add(fmt.Sprintf("GPU %d", g.Index), strings.Join(slices.DeleteFunc(parts, func(part string) bool {
			return part == "" || strings.HasSuffix(part, " ") // the driver does not report it
		}), ", "))
	}
	add("driver", p.Driver)
	add("CUDA", p.CUDA)
	if c := p.Cluster; c != nil {
		add("Kubernetes", c.Server)
		for _, n := range c.Nodes {
			add("node "+n.Name, factLine(n.Facts))
		}
		for _, pod := range c.Pods {
			add("pod "+pod.Name, "on "+pod.Node+", "+strings.Join(pod.Images, ", "))
		}
	}
	add("other users of the machine", strings.Join(p.Others, "; "))
	add("could not be collected", strings.Join(p.Missing, "; "))
	return lines
}
