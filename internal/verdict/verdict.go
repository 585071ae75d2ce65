// Package verdict decides whether the numbers of a cell may be compared with others. It
// is pure: it judges a measurement and the evidence that was collected while it was taken.
package verdict

import "slices"

// State is what a check found out.
type State string

// The states from good to bad.
const (
	Valid     State = "valid"
	Unchecked State = "unchecked" // the files cannot answer: neither valid nor invalid
	Invalid   State = "invalid"
)

// Check is one rule applied to one measurement.
type Check struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail"`
}

// Verdict is the worst state of all checks. Reasons are the details of the
// checks with that state, unless it is Valid; short, for a person.
type Verdict struct {
	State   State    `json:"state"`
	Reasons []string `json:"reasons"`
	Checks  []Check  `json:"checks"`
}

// With is the verdict with checks that come first: why a measurement went wrong
// is told before what is wrong with it.
func (v Verdict) With(first ...Check) Verdict {
	return Sum(slices.Concat(first, v.Checks))
}

// Sum is the verdict of checks.
func Sum(checks []Check) Verdict {
	v := Verdict{State: Valid, Reasons: []string{}, Checks: checks}
	for _, c := range checks {
		v.State = Worse(v.State, c.State)
	}
	for _, c := range checks {
		if c.State == v.State && c.State != Valid {
			v.Reasons = append(v.Reasons, c.Detail)
		}
	}
	return v
}

// worse is the state nearer to Invalid. A state nobody knows proves nothing.
func Worse(a, b State) State {
	switch {
	case a == Invalid || b == Invalid:
		return Invalid
	case a == Valid && b == Valid:
		return Valid
	}
	return Unchecked
}
