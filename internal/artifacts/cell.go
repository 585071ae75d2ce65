package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"topobench/internal/aiperf"
	"topobench/internal/verdict"
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
	Measurement aiperf.Measurement
	Verdict     verdict.Verdict
	Err         error
}

// Launch is 2 where the topology was lost in its sweep and the cell was measured when
// it had been made anew, else 1.
func (c Cell) Launch() int {
	if slices.ContainsFunc(c.Verdict.Checks, func(check verdict.Check) bool { return check.Name == Anew }) {
		return 2
	}
	return 1
}

// read fills in what the files of the cell say.
func (c *Cell) read() {
	c.Measurement, c.Err = aiperf.Read(c.Path)
	if errors.Is(c.Err, fs.ErrNotExist) {
		c.Err = &aiperf.FileError{Path: filepath.Dir(c.Path), Err: aiperf.ErrNoResult}
	}
	noted := readSidecar(filepath.Join(filepath.Dir(c.Path), SidecarName))
	if errors.Is(c.Err, aiperf.ErrNoResult) && verdict.Sum(noted).State == verdict.Invalid {
		c.Verdict = verdict.Sum(noted) // the run that saw it fail knows why; that there is no export follows from it
		return
	}
	c.Verdict = verdict.Sum(merge(c.checks(), noted))
}

// checks is what the export alone proves.
func (c *Cell) checks() []verdict.Check {
	if c.Err != nil {
		reason := c.Err
		if fault, ok := errors.AsType[*aiperf.FileError](c.Err); ok {
			reason = fault.Err // the path stands beside it
		}
		return []verdict.Check{{Name: "result", State: verdict.Invalid, Detail: reason.Error()}}
	}
	asked := verdict.Asked{Requests: c.Measurement.Requests, OSL: c.Deployment.OSL}
	records := filepath.Join(filepath.Dir(c.Path), aiperf.RecordsName)
	return append(verdict.Judge(c.Measurement, asked, records).Checks, c.sameConcurrency())
}

// sameConcurrency finds an export that was moved or left by an earlier run.
func (c *Cell) sameConcurrency() verdict.Check {
	const name = "concurrency"
	switch said := c.Measurement.Concurrency; said {
	case 0, c.Concurrency:
		return verdict.Check{Name: name, State: verdict.Valid, Detail: fmt.Sprintf("%d", c.Concurrency)}
	default:
		return verdict.Check{Name: name, State: verdict.Invalid, Detail: fmt.Sprintf("the directory says concurrency %d, the export %d", c.Concurrency, said)}
	}
}
