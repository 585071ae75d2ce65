package slo

import (
	"fmt"
	"slices"
	"strings"
)

// State is the relation of a point to an SLO. It is empty without an SLO.
type State string

// The states of a point.
const (
	Within    State = "within"
	Outside   State = "outside"
	NotJudged State = "not judged" // no target is missed, but one has no number
)

// Judgement is a point against an SLO.
type Judgement struct {
	State     State    `json:"state"`
	Missed    []string `json:"missed,omitempty"`     // "ttft_p90 812 ms"
	NotJudged []string `json:"not_judged,omitempty"` // names of targets without a number
}

// Judge compares each target with its value in ms, the mean of n launches. Without a launch there is no value. A missed
// target decides even if another one has no value.
func (all Targets) Judge(value func(Target) (ms float64, n int)) (j Judgement) {
	for _, t := range all {
		ms, n := value(t)
		switch missed := fmt.Sprintf("%s %.5g ms", t.Name(), ms); {
		case n == 0:
			j.NotJudged = append(j.NotJudged, t.Name())
		case ms > t.Limit && n > 1:
			j.Missed = append(j.Missed, fmt.Sprintf("%s (mean of %d)", missed, n))
		case ms > t.Limit:
			j.Missed = append(j.Missed, missed)
		}
	}
	switch {
	case len(all) == 0:
	case len(j.Missed) > 0:
		j.State = Outside
	case len(j.NotJudged) > 0:
		j.State = NotJudged
	default:
		j.State = Within
	}
	return j
}

// String is "outside the SLO: ttft_p90 812 ms" or "SLO not judged: itl_p99", and empty within it.
func (j Judgement) String() string {
	switch j.State {
	case Outside:
		return "outside the SLO: " + strings.Join(j.Missed, ", ")
	case NotJudged:
		return "SLO not judged: " + strings.Join(j.NotJudged, ", ")
	}
	return ""
}

// Beyond are the levels, in rising order, above the first two neighbours that are outside: higher ones would be outside
// as well. It is empty without such a pair.
func Beyond(levels []int, states map[int]State) []int {
	levels = slices.Sorted(slices.Values(levels))
	for i := 1; i < len(levels); i++ {
		if states[levels[i-1]] == Outside && states[levels[i]] == Outside {
			return levels[i+1:]
		}
	}
	return nil
}
