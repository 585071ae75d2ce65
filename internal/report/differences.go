package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/text"
)

// Effect is what a difference does to a ratio.
type Effect string

// The effects.
const (
	Refuses Effect = "no ratio"
	Stated  Effect = "stated beside the ratio, in its sentence"
	Listed  Effect = "listed"
	Ignored Effect = "not compared"
)

// Difference is a row of values that may differ, with the effect between two series, and between the artifacts_N of
// one series.
type Difference struct {
	Names           string // of traits, separated by commas
	Between, Within Effect
	Why             string
}

// EngineOptions and Others stand for the names that no row has.
const (
	EngineOptions = "any engine option"
	Others        = "anything else"
)

// Differences is the table. Each name is in one row.
func Differences() []Difference {
	return []Difference{
		{"isl,osl,model", Refuses, Refuses, "throughputs of different work"},
		{"gpus,parallelism", Ignored, Refuses, "throughput is divided by the GPUs; repeats have one topology"},
		{"seed,requests,warm-up requests,extra inputs,aiperf arguments", Stated, Refuses,
			"the requests are not the same"},
		{artifacts.GPUModel, Stated, Refuses, "the machines are not the same"},
		{artifacts.PowerLimit, Stated, Listed, "a lower limit lowers the clocks"},
		{"engine", Listed, Refuses, "the program that computes, with its version"},
		{EngineOptions, Listed, Refuses, "the comparison may be about it; repeats have one configuration"},
		{Others, Listed, Listed,
			"variables of the workers, versions of other programs, driver, host, and the facts of provenance.json"},
	}
}

// differenceOf is the row of a trait. options are the names of engine options.
func differenceOf(name string, options map[string]string) Difference {
	_, option := options[name]
	all := Differences()
	for _, d := range all {
		if slices.Contains(strings.Split(d.Names, ","), name) || d.Names == EngineOptions && option {
			return d
		}
	}
	return all[len(all)-1]
}

// between are the traits whose difference between two series has an effect.
func between(traits []trait, e Effect) []trait {
	return slices.DeleteFunc(slices.Clone(traits), func(t trait) bool { return differenceOf(t.name, nil).Between != e })
}

// withinLabel lists the differences between the artifacts_N of one label, "gpus 8 (artifacts_0), 4 (artifacts_1)":
// those that refuse a frontier, and those that do not. A value that no file has is no difference. The lists are empty,
// not nil, if there are none.
func withinLabel(rows []Row) (refused, listed []string) {
	var names []string
	byName := map[string][]trait{} // value of an artifacts_N, and its name
	options := map[string]string{}
	groups, deployments := byArtifacts(rows)
	for i, settings := range artifacts.Complete(deployments) {
		maps.Copy(options, deployments[i].Settings)
		traits := append(setupOf(groups[i]).traits(), trait{"parallelism", width(deployments[i])})
		for _, setting := range slices.Sorted(maps.Keys(settings)) {
			traits = append(traits, trait{setting, settings[setting]})
		}
		for _, t := range traits {
			if t.value != "" {
				names = union(names, t.name)
				byName[t.name] = append(byName[t.name], trait{groups[i][0].Artifacts, t.value})
			}
		}
	}
	refused, listed = []string{}, []string{}
	for _, name := range names {
		if artifacts.Alike(text.Each(byName[name], func(t trait) string { return t.value })) {
			continue
		}
		values := apart(byName[name])
		difference := text.Clean(name + " " + strings.Join(values, ", "))
		if differenceOf(name, options).Within == Refuses {
			refused = append(refused, difference)
		} else {
			listed = append(listed, difference)
		}
	}
	return refused, listed
}

// byArtifacts splits rows, which are in order of artifacts_N, with the deployment of each part.
func byArtifacts(rows []Row) (groups [][]Row, deployments []artifacts.Deployment) {
	for begin, end := 0, 1; end <= len(rows); end++ {
		if end == len(rows) || rows[end].Artifacts != rows[begin].Artifacts {
			groups = append(groups, rows[begin:end:end])
			deployments = append(deployments, rows[begin].cell.Deployment)
			begin = end
		}
	}
	return groups, deployments
}

// apart has each value once, behind it the names of the artifacts_N that have it: "8 (artifacts_0)".
func apart(values []trait) []string {
	var texts []string
	names := map[string][]string{} // by value
	for _, v := range values {
		texts = union(texts, v.value)
		names[v.value] = union(names[v.value], v.name)
	}
	for i, value := range texts {
		texts[i] = value + " (" + strings.Join(names[value], " ") + ")"
	}
	return texts
}

// against lists the traits that differ: "isl 300 against 3000". It leaves out the items that two lists share:
// "extra inputs top_k:1 against none".
func against(side, base []trait) []string {
	differ := []string{}
	without := func(list, other string) string {
		items, others := strings.Split(list, ", "), strings.Split(other, ", ")
		items = slices.DeleteFunc(items, func(item string) bool { return slices.Contains(others, item) })
		return cmp.Or(strings.Join(items, ", "), "none")
	}
	for i, t := range side {
		ours, theirs := t.value, base[i].value
		switch {
		case ours == theirs:
			continue
		case ours == "" || theirs == "":
			ours, theirs = cmp.Or(ours, "not recorded"), cmp.Or(theirs, "not recorded")
		default:
			ours, theirs = without(ours, theirs), without(theirs, ours)
		}
		differ = append(differ, text.Clean(t.name+" "+ours+" against "+theirs))
	}
	return differ
}
