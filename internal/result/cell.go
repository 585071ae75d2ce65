package result

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
)

// SidecarName is our own file beside an export; RecordsName is aiperf's.
const (
	SidecarName = "topobench.json"
	RecordsName = "profile_export.jsonl"
)

// Cell is one (topology, concurrency, repeat) found in an artifacts tree. With
// Err (unreadable export, or ErrNoResult) it has no Measurement and its Verdict
// is Invalid.
type Cell struct {
	Artifacts   string // artifacts_3
	N           int    // 3
	Concurrency int
	Path        string // of the export
	Deployment  Deployment
	GPUs        int
	Measurement Measurement
	Verdict     Verdict
	Err         error
}

// Launch is 2 where the topology was lost in its sweep and the cell was measured when
// it had been made anew, else 1.
func (c Cell) Launch() int {
	if slices.ContainsFunc(c.Verdict.Checks, func(check Check) bool { return check.Name == Anew }) {
		return 2
	}
	return 1
}

// read fills in what the files of the cell say.
func (c *Cell) read() {
	c.Measurement, c.Err = Read(c.Path)
	if errors.Is(c.Err, fs.ErrNotExist) {
		c.Err = &FileError{Path: filepath.Dir(c.Path), Err: ErrNoResult}
	}
	noted := readSidecar(filepath.Join(filepath.Dir(c.Path), SidecarName))
	if errors.Is(c.Err, ErrNoResult) && verdict(noted).State == Invalid {
		c.Verdict = verdict(noted) // the run that saw it fail knows why; that there is no export follows from it
		return
	}
	c.Verdict = verdict(merge(c.checks(), noted))
}

// checks is what the export alone proves.
func (c *Cell) checks() []Check {
	if c.Err != nil {
		reason := c.Err
		if fault, ok := errors.AsType[*FileError](c.Err); ok {
			reason = fault.Err // the path stands beside it
		}
		return []Check{{"result", Invalid, reason.Error()}}
	}
	asked := Asked{Requests: c.Measurement.Requests, OSL: c.Deployment.OSL}
	records := filepath.Join(filepath.Dir(c.Path), RecordsName)
	return append(Judge(c.Measurement, asked, records).Checks, c.sameConcurrency())
}

// sameConcurrency finds an export that was moved or left by an earlier run.
func (c *Cell) sameConcurrency() Check {
	const name = "concurrency"
	switch said := c.Measurement.Concurrency; said {
	case 0, c.Concurrency:
		return Check{name, Valid, fmt.Sprintf("%d", c.Concurrency)}
	default:
		return Check{name, Invalid, fmt.Sprintf("the directory says concurrency %d, the export %d", c.Concurrency, said)}
	}
}
