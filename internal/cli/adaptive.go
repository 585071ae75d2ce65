package cli

import (
	"errors"
	"fmt"

	"topobench/internal/profile"
	"topobench/internal/run"
	"topobench/internal/stats"
)

// adaptiveFlags select the reading of a run, and with Precision its cells and the number of its rounds.
type adaptiveFlags struct {
	At        *float64 `placeholder:"X" help:"Compare at X tok/s/user (default: the middle of the shared range)."`
	Precision *percent `placeholder:"3%" help:"Measure only around --at, until the interval of the ratio is so narrow."`
	MaxRounds *int     `placeholder:"N" help:"Most rounds of --precision (default 12)."`
}

const (
	defaultMaxRounds = 12
	mostMaxRounds    = 99
)

// check has the faults of the flags for the named profiles. chosen are further flags that --precision excludes.
func (f adaptiveFlags) check(profiles []string, chosen []string) error {
	faults := []error{checkAt(f.At)}
	if n := f.MaxRounds; n != nil && (*n < stats.FirstStage || *n > mostMaxRounds) {
		faults = append(faults, fmt.Errorf("--max-rounds %d is not from %d to %d", *n, stats.FirstStage, mostMaxRounds))
	}
	if f.Precision == nil {
		if f.MaxRounds != nil {
			fault := "--max-rounds needs --precision; without it --repeats is the number of rounds"
			faults = append(faults, errors.New(fault))
		}
		return errors.Join(faults...)
	}
	faults = append(faults, f.Precision.check("precision"))
	if f.At == nil {
		faults = append(faults, errors.New("--precision needs --at X: the tok/s/user of the ratio"))
	}
	if len(profiles) != 2 || profiles[0] == profiles[1] {
		faults = append(faults, errors.New("--precision compares two different profiles"))
	}
	for _, flag := range chosen {
		faults = append(faults, fmt.Errorf("--precision chooses levels and rounds, by tok/s/user: omit %s", flag))
	}
	return errors.Join(faults...)
}

// given are the flags of a run that --precision excludes.
func (c *runCmd) given() (flags []string) {
	if len(c.Concurrency) > 0 {
		flags = append(flags, "--concurrency")
	}
	if c.Repeats != 1 {
		flags = append(flags, "--repeats")
	}
	if c.X != "user" {
		flags = append(flags, "--x")
	}
	if c.SLO != "" {
		flags = append(flags, "--slo")
	}
	return flags
}

// schedule is the adaptive schedule of two profiles, nil without --precision. It gives them the levels of the search,
// which the checks before the start cover.
func (f adaptiveFlags) schedule(profiles []profile.Profile) *run.Adaptive {
	if f.Precision == nil {
		return nil
	}
	a := &run.Adaptive{At: *f.At, Precision: float64(*f.Precision), MaxRounds: defaultMaxRounds}
	if f.MaxRounds != nil {
		a.MaxRounds = *f.MaxRounds
	}
	var ladders []int
	for i, p := range profiles {
		a.Sides[i] = p.Name
		a.Ladder += run.LadderRequests(p.Load.Concurrency)
		ladders = append(ladders, p.Load.Concurrency...)
	}
	search := run.SearchLevels(ladders)
	a.Top = search[len(search)-1]
	for i := range profiles {
		profiles[i].Load.Concurrency = search
	}
	return a
}
