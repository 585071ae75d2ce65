package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Setup is what was asked, and of how many GPUs. Points of one frontier have it in common, and so have
// two series that are compared, but for the GPUs: throughput is divided by them.
type Setup struct {
	Model string `json:"model,omitzero"`
	ISL   int    `json:"isl,omitzero"` // tokens
	OSL   int    `json:"osl,omitzero"` // tokens
	GPUs  int    `json:"gpus,omitzero"`
}

type trait struct{ name, value string }

// load is the setup without its GPUs.
func (s Setup) load() []trait {
	return []trait{{"isl", strconv.Itoa(s.ISL)}, {"osl", strconv.Itoa(s.OSL)}, {"model", s.Model}}
}

func (s Setup) traits() []trait { return append(s.load(), trait{"gpus", strconv.Itoa(s.GPUs)}) }

// against says where the loads differ, "isl 300 against 3000", or is empty.
func (s Setup) against(base Setup) string {
	var said []string
	theirs := base.load()
	for i, t := range s.load() {
		if t != theirs[i] {
			said = append(said, t.name+" "+t.value+" against "+theirs[i].value)
		}
	}
	return strings.Join(said, ", ")
}

// mixed says where the setups of a label's rows differ, a text for each trait: "gpus 8 (artifacts_0), 4
// (artifacts_1)". It is empty, not nil, where they are equal.
func mixed(rows []Row, label string) []string {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Label != label })
	said := []string{}
	for i, t := range (Setup{}).traits() {
		if values := apart(rows, func(r Row) string { return r.setup.traits()[i].value }); len(values) > 0 {
			said = append(said, t.name+" "+strings.Join(values, ", "))
		}
	}
	return said
}

// apart has each value of the rows once, with its artifacts_N: "8 (artifacts_0)". It is empty where
// all have one value.
func apart(rows []Row, value func(Row) string) []string {
	var values []string
	artifacts := map[string][]string{} // by value
	for _, r := range rows {
		v := value(r)
		if !slices.Contains(values, v) {
			values = append(values, v)
		}
		if !slices.Contains(artifacts[v], r.Artifacts) {
			artifacts[v] = append(artifacts[v], r.Artifacts)
		}
	}
	if len(values) < 2 {
		return nil
	}
	for n, v := range values {
		values[n] = v + " (" + strings.Join(artifacts[v], " ") + ")"
	}
	return values
}

// generators has the versions of aiperf where several measured the rows. Early ones do not write theirs.
func generators(rows []Row) []string {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return len(r.Numbers) == 0 })
	return apart(rows, func(r Row) string { return cmp.Or(r.AIPerf, "one that does not tell its version") })
}
