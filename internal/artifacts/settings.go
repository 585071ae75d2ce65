package artifacts

import (
	"cmp"
	"maps"
	"slices"
)

// Side is the engine settings of one topology, by name; one that is nowhere
// given is "default".
type Side struct {
	Name   string            `json:"name"`
	Values map[string]string `json:"values"`
}

// Settings are the sides of a comparison, and the names of the settings in which
// they differ, sorted. A difference is no fault: it is part of what is compared.
type Settings struct {
	Sides  []Side   `json:"sides"`
	Differ []string `json:"differ"`
}

// CompareSettings has a side for each deployment that has settings; those of perf.sh have
// none. Repeats of one topology are one side.
func CompareSettings(deployments []Deployment) Settings {
	s := Settings{Sides: []Side{}, Differ: []string{}}
	all := map[string]bool{}
	for _, d := range deployments {
		side := Side{Name: cmp.Or(d.Name, d.Label()), Values: d.Settings}
		if len(side.Values) == 0 || slices.ContainsFunc(s.Sides, side.equal) {
			continue
		}
		s.Sides = append(s.Sides, side)
		for name := range side.Values {
			all[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if slices.ContainsFunc(s.Sides, func(side Side) bool { return side.Values[name] != s.Sides[0].Values[name] }) {
			s.Differ = append(s.Differ, name)
		}
	}
	return s
}

func (s Side) equal(other Side) bool {
	return s.Name == other.Name && maps.Equal(s.Values, other.Values)
}
