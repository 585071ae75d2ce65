package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"topobench/internal/artifacts"
	"topobench/internal/text"
)

// tableWidth is the number of columns of the table of differences, and cut what text.Ends puts between two ends.
const (
	tableWidth = 80
	widestName = 30
	cut        = len(" ... ")
)

// Unlike is a value of the setup that differs between the sides of a label.
type Unlike struct {
	Name     string `json:"name"`
	Baseline string `json:"baseline"`
	Other    string `json:"other"`
}

// unlike lists the differences between the setups of two sides: work, requests and GPUs, then all else by name. A value
// that a side does not record is no difference.
func unlike(base, other Label) []Unlike {
	deployments := func(l Label) (all []artifacts.Deployment) {
		for _, one := range l.Launches {
			all = append(all, one.Deployment)
		}
		return all
	}
	complete := artifacts.Complete(slices.Concat(deployments(base), deployments(other)))
	b, o := base.values(complete[:len(base.Launches)]), other.values(complete[len(base.Launches):])
	var names []string
	for _, t := range base.Setup.traits() {
		names = append(names, t.name)
	}
	names = union(names, slices.Sorted(maps.Keys(b))...)
	differ := []Unlike{}
	for _, name := range names {
		if len(b[name]) == 0 || len(o[name]) == 0 || artifacts.Alike(slices.Concat(b[name], o[name])) ||
			slices.Equal(slices.Sorted(slices.Values(b[name])), slices.Sorted(slices.Values(o[name]))) {
			continue
		}
		join := func(values []string) string { return text.Clean(strings.Join(values, " or ")) }
		differ = append(differ, Unlike{text.Clean(name), join(b[name]), join(o[name])})
	}
	return differ
}

// values are the different values of each name over the launches. complete has the settings of each launch.
func (l Label) values(complete []artifacts.Values) map[string][]string {
	all := map[string][]string{}
	note := func(name, value string) {
		if value != "" {
			all[name] = union(all[name], value)
		}
	}
	for i, one := range l.Launches {
		for name, value := range complete[i] {
			note(name, value)
		}
		note("parallelism", width(one.Deployment))
		note("aiperf", one.AIPerf)
	}
	for _, t := range l.Setup.traits() {
		if all[t.name] == nil && t.value != "0" { // the machine of each launch has the GPUs too
			note(t.name, t.value)
		}
	}
	note("simulated engine", strconv.FormatBool(l.Simulated))
	return all
}

// Differences is the table of the setups that differ. Labels with the same differences share a part.
func (a Against) Differences() string {
	var parts []string
	labels := map[string][]string{} // by part
	for _, p := range a.Labels {
		if p.absent {
			continue
		}
		part := p.differences()
		parts = union(parts, part)
		labels[part] = append(labels[part], p.Label)
	}
	var b strings.Builder
	for _, part := range parts {
		b.WriteString("setup of " + text.Clean(strings.Join(labels[part], ", ")) + ": " + part)
	}
	return b.String()
}

// differences has a line for each difference.
func (p Pair) differences() string {
	if len(p.Differ) == 0 {
		return "no recorded value differs\n"
	}
	widest := len("name")
	for _, d := range p.Differ {
		widest = max(widest, utf8.RuneCountInString(text.Ends(d.Name, widestName)))
	}
	value := (tableWidth-widest-3*len("  "))/2 - cut
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what differs\n  name\tbaseline\tnew")
	for _, d := range p.Differ {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", text.Ends(d.Name, widestName), text.Ends(d.Baseline, value),
			text.Ends(d.Other, value))
	}
	if err := w.Flush(); err != nil {
		return err.Error() // a strings.Builder does not fail
	}
	return b.String()
}
