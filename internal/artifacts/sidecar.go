package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/go-json-experiment/json"

	"topobench/internal/aiperf"
	"topobench/internal/verdict"
)

// Anew is the check of a cell that was measured on a topology that was made anew.
const Anew = "attempts"

// note is topobench.json: what the run that measured a cell knew about it
// (exit status, workers, balancer), which aiperf's files do not tell.
type note struct {
	Valid   *bool           `json:"valid"`
	State   verdict.State   `json:"state"`
	Reasons []string        `json:"reasons"`
	Checks  []verdict.Check `json:"checks"`
}

// readSidecar returns the checks of a topobench.json; none if there is no such file. One
// that cannot be read leaves the cell unchecked.
func readSidecar(path string) []verdict.Check {
	data, err := aiperf.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var n note
	if err == nil {
		err = json.Unmarshal(data, &n)
	}
	if err == nil && n.Valid == nil {
		err = &aiperf.FileError{Path: path, Key: "/valid", Err: aiperf.ErrNoKey}
	}
	if err != nil {
		return []verdict.Check{{Name: SidecarName, State: verdict.Unchecked, Detail: fmt.Sprintf("cannot read %s: %v", path, err)}}
	}
	return n.checks()
}

// checks is the note's checks; if they do not bear its verdict out, the verdict
// becomes a check itself, one per reason.
func (n note) checks() []verdict.Check {
	checks := n.Checks
	state := n.State
	switch {
	case !*n.Valid && (state == verdict.Valid || state == ""):
		state = verdict.Invalid
	case *n.Valid && state == "":
		state = verdict.Valid
	}
	if verdict.Sum(checks).State == state {
		return checks
	}
	for _, reason := range n.Reasons {
		checks = append(checks, verdict.Check{Name: "run", State: state, Detail: reason})
	}
	if len(n.Reasons) == 0 {
		checks = append(checks, verdict.Check{Name: "run", State: state, Detail: fmt.Sprintf("the run marked it %s", state)})
	}
	return checks
}

// merge adds the checks of a note to ours. Of two with one name the worse
// counts: a cell is valid only if both say so.
func merge(ours, noted []verdict.Check) []verdict.Check {
	own := len(ours)
	for _, c := range noted {
		c.State = verdict.Worse(verdict.Valid, c.State)
		i := slices.IndexFunc(ours[:own], func(o verdict.Check) bool { return o.Name == c.Name })
		switch {
		case i < 0:
			ours = append(ours, c)
		case verdict.Worse(ours[i].State, c.State) != ours[i].State:
			ours[i] = c
		}
	}
	return ours
}
