// Package verdict decides whether the numbers of a cell may be compared with others. It is
// pure: Of applies one table of rules to a measurement and to the evidence that package
// monitor collected meanwhile.
package verdict

import "slices"

// State is the result of one check.
type State string

// The states of a check. A verdict is Valid, Unchecked or Invalid.
const (
	Valid     State = "valid"
	Note      State = "note"      // an observation worth showing; the cell stays valid
	NotMade   State = "not-made"  // no evidence, which the rule only notes; the cell stays valid
	Unchecked State = "unchecked" // no evidence, and the number itself is in doubt
	Invalid   State = "invalid"
)

// States are all states of a check, the better ones first, with their meaning for a cell.
func States() []struct {
	State   State
	Meaning string
} {
	return []struct {
		State   State
		Meaning string
	}{
		{Valid, "the check passed"},
		{Note, "an observation worth showing; the cell stays valid"},
		{NotMade, "the evidence is missing, and the number is not in doubt; the cell stays valid"},
		{Unchecked, "the evidence is missing, and the number is in doubt; the cell is off the frontier"},
		{Invalid, "the check failed; the cell is off the frontier"},
	}
}

// Check is one rule applied to one cell.
type Check struct {
	Name   CheckName `json:"name" help:"name of the rule"`
	State  State     `json:"state" help:"state of the check"`
	Detail string    `json:"detail" help:"what was found, in one line"`
}

// Verdict is the worst state of all checks. Reasons are the details of the
// checks with that state, unless it is Valid; short, for a person.
type Verdict struct {
	State   State    `json:"state"`
	Reasons []string `json:"reasons"`
	Checks  []Check  `json:"checks"`
}

// Noted names the checks that could not be made and are only noted, in order.
func (v Verdict) Noted() []CheckName {
	var names []CheckName
	for _, c := range v.Checks {
		if c.State == NotMade {
			names = append(names, c.Name)
		}
	}
	return names
}

// Notes names the observations that a reader of the number needs, in order. A restart has a warning of its own.
func (v Verdict) Notes() []CheckName {
	var names []CheckName
	for _, c := range v.Checks {
		if c.State == Note && c.Name != Relaunched && c.Name != Flap {
			names = append(names, c.Name)
		}
	}
	return names
}

// Find returns the check of a rule; ok is false if the rule did not apply.
func (v Verdict) Find(name CheckName) (c Check, ok bool) {
	i := slices.IndexFunc(v.Checks, func(c Check) bool { return c.Name == name })
	if i < 0 {
		return Check{}, false
	}
	return v.Checks[i], true
}

// Sum is the verdict that follows from checks.
func Sum(checks []Check) Verdict {
	v := Verdict{State: Valid, Reasons: []string{}, Checks: checks}
	for _, c := range checks {
		v.State = Worse(v.State, c.State)
	}
	for _, c := range checks {
		if v.State != Valid && Worse(Valid, c.State) == v.State {
			v.Reasons = append(v.Reasons, c.Detail)
		}
	}
	return v
}

// Worse is the worse of two states: Valid, Unchecked or Invalid. An unknown state is
// Unchecked.
func Worse(a, b State) State {
	good := []State{Valid, Note, NotMade}
	switch {
	case a == Invalid || b == Invalid:
		return Invalid
	case slices.Contains(good, a) && slices.Contains(good, b):
		return Valid
	}
	return Unchecked
}
