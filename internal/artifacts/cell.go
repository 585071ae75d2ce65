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
	Records     *aiperf.Summary // nil = the run that measured the cell kept none
	Power       *Power          // nil = it is unknown
	Err         error
}

// Launch is 2 if the topology failed in its sweep and was restarted for this cell, else 1.
func (c Cell) Launch() int {
	if _, again := c.Verdict.Find(verdict.Relaunched); again {
		return 2
	}
	return 1
}

// read reads the files of the cell. The verdict is that of the sidecar, written by the run
// that measured the cell; a cell of another program is judged here. An unreadable export, or
// one of another concurrency, makes the cell invalid in any case.
func (c *Cell) read(exports *aiperf.Reader) {
	c.Measurement, c.Err = exports.Read(c.Path)
	if errors.Is(c.Err, fs.ErrNotExist) {
		c.Err = &aiperf.FileError{Path: filepath.Dir(c.Path), Err: aiperf.ErrNoResult}
	}
	var e verdict.Evidence
	if c.Err != nil {
		e.AIPerf.NoExport = c.Err.Error()
		if fault, ok := errors.AsType[*aiperf.FileError](c.Err); ok {
			e.AIPerf.NoExport = fault.Err.Error() // without the path, which Cell has
		}
	}
	load := verdict.Load{Requests: c.Measurement.Requests, OSL: c.Deployment.OSL, Concurrency: c.Concurrency}
	here := verdict.Of(e, c.Measurement, load)
	stored, from, ours := readSidecar(filepath.Join(filepath.Dir(c.Path), SidecarName))
	c.Records, c.Power = from.Records, from.Power
	if !ours {
		c.Verdict = verdict.Sum(append(here.Checks, stored...))
		return
	}
	c.Verdict = verdict.Sum(stored)
	if errors.Is(c.Err, aiperf.ErrNoResult) && c.Verdict.State == verdict.Invalid {
		return // the stored failure explains the missing export
	}
	for _, name := range []verdict.CheckName{verdict.Result, verdict.Concurrency} {
		if check, failed := here.Find(name); failed && check.State == verdict.Invalid {
			others := slices.DeleteFunc(c.Verdict.Checks, func(c verdict.Check) bool { return c.Name == name })
			c.Verdict = verdict.Sum(append(others, check))
		}
	}
}

// sidecar is topobench.json, the verdict of the run that measured a cell.
type sidecar struct {
	Valid   *bool           `json:"valid" help:"true if the cell is valid"`
	State   verdict.State   `json:"state" help:"valid, unchecked or invalid: the worst state of its checks"`
	Reasons []string        `json:"reasons" help:"why the cell is not valid"`
	Checks  []verdict.Check `json:"checks" help:"every check that was made (topobench help rules)"`

	Records *aiperf.Summary `json:"records" help:"from profile_export.jsonl; null if there is none"`
	Power   *Power          `json:"power" help:"of the GPUs, while the requests were measured; null if unknown"`
}

// readSidecar returns the checks and the content of a topobench.json. ours is false if the file is missing or
// unreadable; for an unreadable one, a check makes the cell unchecked.
func readSidecar(path string) (checks []verdict.Check, s sidecar, ours bool) {
	data, err := aiperf.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s, false
	}
	if err == nil {
		err = aiperf.Decode(path, data, &s)
	}
	if err == nil && s.Valid == nil {
		err = &aiperf.FileError{Path: path, Key: "/valid", Err: aiperf.ErrNoKey}
	}
	if err != nil {
		detail := fmt.Sprintf("cannot read %s: %v", path, err)
		return []verdict.Check{{Name: verdict.Sidecar, State: verdict.Unchecked, Detail: detail}}, sidecar{}, false
	}
	return s.checks(), s, true
}

// checks returns the sidecar's checks. If they contradict its verdict, each reason of the
// verdict is added as a check.
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
