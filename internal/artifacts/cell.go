package artifacts

import (
	"errors"
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

// Launch is 2 where the topology failed in its sweep and was restarted for this cell,
// else 1.
func (c Cell) Launch() int {
	if _, again := c.Verdict.Find(verdict.Relaunched); again {
		return 2
	}
	return 1
}

// read fills in what the files of the cell contain. The run that measured a cell has judged
// it, and its sidecar has the verdict; only a cell of another program is judged here. An
// export that is unreadable or of another concurrency is invalid in any case.
func (c *Cell) read() {
	c.Measurement, c.Err = aiperf.Read(c.Path)
	if errors.Is(c.Err, fs.ErrNotExist) {
		c.Err = &aiperf.FileError{Path: filepath.Dir(c.Path), Err: aiperf.ErrNoResult}
	}
	var e verdict.Evidence
	if c.Err != nil {
		e.AIPerf.NoExport = c.Err.Error()
		if fault, ok := errors.AsType[*aiperf.FileError](c.Err); ok {
			e.AIPerf.NoExport = fault.Err.Error() // the path is beside it
		}
	}
	load := verdict.Load{Requests: c.Measurement.Requests, OSL: c.Deployment.OSL, Concurrency: c.Concurrency}
	here := verdict.Of(e, c.Measurement, load)
	stored, ours := readSidecar(filepath.Join(filepath.Dir(c.Path), SidecarName))
	if !ours {
		c.Verdict = verdict.Sum(append(here.Checks, stored...))
		return
	}
	c.Verdict = verdict.Sum(stored)
	if errors.Is(c.Err, aiperf.ErrNoResult) && c.Verdict.State == verdict.Invalid {
		return // the failure explains that there is no export
	}
	for _, name := range []verdict.CheckName{verdict.Result, verdict.Concurrency} {
		if check, failed := here.Find(name); failed && check.State == verdict.Invalid {
			c.Verdict = verdict.Sum(with(c.Verdict.Checks, check))
		}
	}
}

// with adds a check, in the place of one with its name.
func with(checks []verdict.Check, check verdict.Check) []verdict.Check {
	checks = slices.DeleteFunc(slices.Clone(checks), func(c verdict.Check) bool { return c.Name == check.Name })
	return append(checks, check)
}
