package artifacts

import (
	"errors"
	"fmt"
	"io/fs"

	"topobench/internal/aiperf"
	"topobench/internal/verdict"
)

// sidecar is topobench.json: the verdict of the run that measured a cell.
type sidecar struct {
	Valid   *bool           `json:"valid"`
	State   verdict.State   `json:"state"`
	Reasons []string        `json:"reasons"`
	Checks  []verdict.Check `json:"checks"`
}

// readSidecar returns the checks of a topobench.json. ours is false if there is none, or if
// it cannot be read: then a check leaves the cell unchecked.
func readSidecar(path string) (checks []verdict.Check, ours bool) {
	data, err := aiperf.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	var s sidecar
	if err == nil {
		err = aiperf.Decode(path, data, &s)
	}
	if err == nil && s.Valid == nil {
		err = &aiperf.FileError{Path: path, Key: "/valid", Err: aiperf.ErrNoKey}
	}
	if err != nil {
		detail := fmt.Sprintf("cannot read %s: %v", path, err)
		return []verdict.Check{{Name: verdict.Sidecar, State: verdict.Unchecked, Detail: detail}}, false
	}
	return s.checks(), true
}

// checks are those of the sidecar. If they contradict its verdict, each of its reasons
// becomes a check itself.
func (s sidecar) checks() []verdict.Check {
	checks := s.Checks
	state := s.State
	switch {
	case !*s.Valid && (state == verdict.Valid || state == ""):
		state = verdict.Invalid
	case *s.Valid && state == "":
		state = verdict.Valid
	}
	if verdict.Sum(checks).State == state {
		return checks
	}
	reasons := s.Reasons
	if len(reasons) == 0 {
		reasons = []string{fmt.Sprintf("the run marked it %s", state)}
	}
	for _, reason := range reasons {
		checks = append(checks, verdict.Check{Name: verdict.Run, State: state, Detail: reason})
	}
	return checks
}
