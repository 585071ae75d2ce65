package run

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/kube"
	"topobench/internal/preflight"
	"topobench/internal/text"
)

// DriftError reports that a campaign would be continued with another setup.
type DriftError struct{ Differences []journal.Difference }

func (e *DriftError) Error() string {
	var b strings.Builder
	b.WriteString("cannot resume: the setup has changed since the campaign began\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  changed\tcampaign\tnow")
	for _, d := range e.Differences {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", text.Clean(d.Fact), text.Ends(text.Clean(d.Was), widestValue),
			text.Ends(text.Clean(d.Is), widestValue))
	}
	_ = w.Flush() // a strings.Builder does not fail
	return b.String() + "  restore it, or add --allow-drift: every further cell then has a note, and so has the answer"
}

// widestValue is the number of characters of a value in the table.
const widestValue = 48

// checkDrift compares the campaign with the setup of this run, and refuses a difference unless it is allowed.
func (r *Runner) checkDrift(topologies []preflight.Topology) error {
	if r.Past == nil {
		return nil
	}
	differences := r.Past.against(*r.Campaign)
	for _, w := range topologies {
		for _, t := range r.measured(w.Profile.Name) {
			was, err := artifacts.ReadDeployment(filepath.Join(t.Artifacts.Path, artifacts.DeploymentName))
			if err != nil {
				return fmt.Errorf("cannot resume: %w", err)
			}
			if r.cluster != nil { // its part is known once pods run
				was.Machine = nil
			}
			differences = append(differences, changed(was, r.setups[w.Profile.Name])...)
		}
	}
	return r.drifted(differences)
}

// checkCluster compares the cluster and the images of a launch with those of the campaign. The scheduler may choose
// other nodes.
func (r *Runner) checkCluster(name string, now artifacts.Deployment) error {
	if r.Past == nil {
		return nil
	}
	var differences []journal.Difference
	for _, t := range r.measured(name) {
		was, err := artifacts.ReadDeployment(filepath.Join(t.Artifacts.Path, artifacts.DeploymentName))
		if err != nil {
			return fmt.Errorf("cannot resume: %w", err)
		}
		for _, d := range changedKeys("", was.Machine, now.Machine) {
			if d.Fact != kube.NodesFact && len(was.Machine) > 0 { // one that never ran has none
				differences = append(differences, d)
			}
		}
	}
	return r.drifted(differences)
}

// drifted refuses differences from the campaign unless they are allowed.
func (r *Runner) drifted(differences []journal.Difference) error {
	differences = distinct(differences) // those of a machine are of every topology
	switch {
	case len(differences) == 0:
		return nil
	case !r.AllowDrift:
		return &DriftError{differences}
	}
	r.Journal.Note(journal.Drift{Differences: differences})
	texts := text.Each(differences, func(d journal.Difference) string {
		return fmt.Sprintf("%s: %s is now %s", d.Fact, d.Was, d.Is)
	})
	r.drift = "changed since the campaign began: " + strings.Join(texts, "; ")
	r.Screen.Note("--allow-drift: " + r.drift)
	return nil
}

// measured are the launches of a topology that this run must be like: the first one, and those with cells that it goes
// on with, which may have begun after a change.
func (r *Runner) measured(name string) (all []Topology) {
	for _, t := range r.launched {
		if t.Name == name && t.Artifacts.Path != "" &&
			(len(all) == 0 || len(t.Cells) > 0 && len(t.Missing()) > 0) {
			all = append(all, t)
		}
	}
	return all
}

// against are the differences of the command: topobench, profiles and programs.
func (p *Past) against(now artifacts.Campaign) (all []journal.Difference) {
	if p.Release != now.Release {
		all = append(all, journal.Difference{Fact: "topobench", Was: p.Release, Is: now.Release})
	}
	for i, was := range p.Profiles {
		if i >= len(now.Profiles) {
			break // the command is the same, and so is their number
		}
		is := now.Profiles[i]
		if was.SHA256 != is.SHA256 {
			all = append(all, changedLine(was, is))
		}
		all = append(all, changedKeys("path of ", was.Programs, is.Programs)...)
	}
	return all
}

// changedLine is the first line of a profile that differs.
func changedLine(was, is artifacts.Source) journal.Difference {
	a, b := strings.Split(was.Text, "\n"), strings.Split(is.Text, "\n")
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	line := func(lines []string) string {
		switch {
		case was.Text == is.Text:
			return "(a secret)"
		case same < len(lines):
			return strings.TrimSpace(lines[same])
		}
		return "(end)"
	}
	return journal.Difference{Fact: fmt.Sprintf("%s:%d", is.Path, same+1), Was: line(a), Is: line(b)}
}

// changed are the differences of a topology: settings, load, variables, versions and machine. A round is none, nor is
// the place of a launch in an adaptive run.
func changed(was, is artifacts.Deployment) []journal.Difference {
	was.Round, is.Round = 0, 0
	was.Adaptive, is.Adaptive = nil, nil
	return changedKeys("", flat(was), flat(is))
}

// flat is a value as JSON by the path of each key: "machine driver".
func flat(v any) map[string]string {
	var parsed any
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, &parsed)
	}
	if err != nil {
		return map[string]string{"json": err.Error()}
	}
	all := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		object, is := v.(map[string]any)
		if !is {
			text, _ := json.Marshal(v) // it was JSON before
			all[path] = strings.Trim(string(text), `"`)
		}
		for key, value := range object {
			walk(strings.TrimSpace(path+" "+key), value)
		}
	}
	walk("", parsed)
	return all
}

// changedKeys compares two maps.
func changedKeys(prefix string, was, is map[string]string) (all []journal.Difference) {
	keys := maps.Clone(was)
	if keys == nil {
		keys = map[string]string{}
	}
	maps.Copy(keys, is)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if was[key] != is[key] {
			all = append(all, journal.Difference{Fact: prefix + key, Was: cmp.Or(was[key], "none"),
				Is: cmp.Or(is[key], "none")})
		}
	}
	return all
}

// distinct has each difference once.
func distinct(all []journal.Difference) (once []journal.Difference) {
	for _, d := range all {
		if !slices.Contains(once, d) {
			once = append(once, d)
		}
	}
	return once
}
