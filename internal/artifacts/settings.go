package artifacts

import (
	"cmp"
	"maps"
	"slices"
)

// Values are settings of an engine, or of a load, by name. A setting that no flag sets is "default", or
// "unknown" if the engine may have another name for it.
type Values = map[string]string

// Side is the settings of one topology.
type Side struct {
	Name   string `json:"name"`
	Values Values `json:"values"`

	label, path string // other names, for sides that have one name
}

// Settings are the sides of a comparison, and the sorted names of the settings that differ.
// A difference is no fault: the comparison may be about it.
type Settings struct {
	Sides  []Side   `json:"sides"`
	Differ []string `json:"differ"`

	// Groups are those of the names in Differ that are no engine options.
	Groups map[string]Group `json:"groups,omitempty"`
}

// Group is the kind of a setting.
type Group string

// The groups.
const (
	EngineOption Group = ""
	Variable     Group = "environment variable"
	Program      Group = "program version"
	Hardware     Group = "machine"
)

// Values of names that a side does not have.
const (
	Default = "default" // of an engine option
	NotSet  = "not set" // of a variable
)

// Names in a Machine that a ratio depends on.
const (
	GPUModel   = "GPU model"
	PowerLimit = "power limit"
)

// CompareSettings returns a side for each deployment with settings; those of perf.sh have none. Repeats of one topology
// are one side. Sides of one name are named by their labels, and those of one label by their paths.
func CompareSettings(deployments []Deployment, paths ...string) Settings {
	sides, groups := []Side{}, map[string]Group{}
	var recorded []Deployment
	for i, d := range deployments {
		if len(d.Settings) > 0 {
			side := Side{Name: cmp.Or(d.Name, d.Label()), label: d.Label()}
			if i < len(paths) {
				side.path = paths[i]
			}
			recorded, sides = append(recorded, d), append(sides, side)
		}
	}
	for i, values := range Complete(recorded) {
		sides[i].Values = values
		recorded[i].group(groups)
	}
	sides = distinct(sides)
	s := Compare(sides, slices.Sorted(maps.Keys(groups)))
	maps.DeleteFunc(groups, func(name string, g Group) bool {
		return g == EngineOption || !slices.Contains(s.Differ, name)
	})
	s.Groups = groups
	return s
}

// group adds the group of each name of a deployment. A name of two groups is an engine option.
func (d Deployment) group(groups map[string]Group) {
	for _, of := range []struct {
		names Values
		group Group
	}{{d.Machine, Hardware}, {d.Programs, Program}, {d.Variables, Variable}, {d.Settings, EngineOption}} {
		for name := range of.names {
			groups[name] = of.group
		}
	}
}

// distinct has each side once, all with names of their own.
func distinct(all []Side) []Side {
	sides := []Side{}
	for _, side := range all {
		if !slices.ContainsFunc(sides, side.equal) {
			sides = append(sides, side)
		}
	}
	label, path := func(s Side) string { return s.label }, func(s Side) string { return s.path }
	for _, other := range []func(Side) string{label, path} {
		count := map[string]int{}
		for _, side := range sides {
			count[side.Name]++
		}
		for i, side := range sides {
			if count[side.Name] > 1 {
				sides[i].Name = cmp.Or(other(side), side.Name)
			}
		}
	}
	return sides
}

// Complete has the settings, variables, programs and machine of each deployment in one map. An option or a variable
// that only others have is Default or NotSet, unless the file may lack it for another reason: a former version wrote
// it, or a script, which records only the variables of the profile and no machine. Of programs and machines the maps
// have only those values that all deployments have: a topology without nginx is no difference in nginx.
func Complete(deployments []Deployment) []Values {
	settings, variables, facts := Values{}, Values{}, map[string]int{}
	for _, d := range deployments {
		maps.Copy(settings, d.Settings)
		maps.Copy(variables, d.Variables)
		for _, group := range []Values{d.Programs, d.Machine} {
			for name := range group {
				facts[name]++
			}
		}
	}
	scripts := !slices.ContainsFunc(deployments, func(d Deployment) bool { return d.Machine != nil })
	var all []Values
	for _, d := range deployments {
		values := Values{}
		if d.Variables != nil {
			fill(values, settings, Default)
		}
		if d.Variables != nil && (scripts || d.Machine != nil) {
			fill(values, variables, NotSet)
		}
		for _, group := range []Values{d.Programs, d.Machine} {
			for name, value := range group {
				if facts[name] == len(deployments) {
					values[name] = value
				}
			}
		}
		maps.Copy(values, d.Variables)
		maps.Copy(values, d.Settings)
		for name := range settings {
			if value, has := values[name]; has {
				values[name] = withDefault(value, name, d.Settings["engine"])
			}
		}
		all = append(all, values)
	}
	return all
}

func fill(values, names Values, with string) {
	for name := range names {
		values[name] = with
	}
}

// Compare finds those of the named settings that differ between the sides.
func Compare(sides []Side, names []string) Settings {
	s := Settings{Sides: sides, Differ: []string{}}
	for _, name := range names {
		var values []string
		for _, side := range sides {
			values = append(values, side.Values[name])
		}
		if !Alike(values) {
			s.Differ = append(s.Differ, name)
		}
	}
	return s
}

func (s Side) equal(other Side) bool {
	return s.Name == other.Name && s.label == other.label && maps.Equal(s.Values, other.Values)
}
