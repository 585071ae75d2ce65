package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"topobench/internal/profile"
	"topobench/internal/report"
	"topobench/internal/run"
	"topobench/internal/slo"
)

// sloFlag is an SLO. The text is read by check, so that its faults come with those of the other flags.
type sloFlag struct {
	SLO string `name:"slo" placeholder:"ttft_p90=500ms,..." help:"Limits of latencies (topobench help rules)."`
}

func (f sloFlag) check() error {
	_, faults := slo.Parse(f.SLO)
	for i, fault := range faults {
		faults[i] = fmt.Errorf("--slo: %w", fault)
	}
	return errors.Join(faults...)
}

// apply overrides the SLO of all profiles.
func (f sloFlag) apply(profiles []profile.Profile) {
	for i := range profiles {
		if f.SLO != "" {
			profiles[i].Load.SLO = f.SLO
		}
	}
}

// withoutSLO refuses an SLO in the profiles of an adaptive run: a level outside could be one of its bracket.
func (c *runCmd) withoutSLO(profiles []profile.Profile) error {
	has := func(p profile.Profile) bool { return p.Load.SLO != "" }
	if i := slices.IndexFunc(profiles, has); c.Precision != nil && i >= 0 {
		return &usageError{fmt.Errorf("%s has load.slo, and --precision chooses the levels by tok/s/user: "+
			"remove load.slo", profiles[i].Source)}
	}
	return nil
}

// objectives are the targets of a text that was checked.
func objectives(text string) slo.Targets {
	targets, _ := slo.Parse(text)
	return targets
}

// beyond are the levels that the launches of a run left out.
func beyond(topologies []run.Topology) (all []report.Beyond) {
	for _, t := range topologies {
		if len(t.Beyond) > 0 {
			all = append(all, report.Beyond{Label: t.Label, Artifacts: t.Artifacts.Name(), Round: t.Repeat,
				Concurrency: t.Beyond})
		}
	}
	return all
}

// objective explains --slo.
func (p *page) objective() {
	p.heading("SLO (run --slo and plot --slo, load.slo in a profile)")
	p.text("An SLO has limits of latencies, as in ttft_p90=500ms,itl_p90=25ms. A limit has the unit ms or s. The " +
		"statistics are " + strings.Join(slo.Stats(), ", ") + ". The latencies are:")
	p.table(slo.Metrics())
	p.text("A point is outside if one of its latencies, the mean over launches, is above its limit. It stays in " +
		"table, CSV and chart (a ring, crossed out), and is not on the frontier. A percentile with too few requests " +
		"does not judge: the point stays on the frontier, and table, CSV and sentence report it.")
	p.text("A launch skips the concurrencies above the first two neighbours, in rising order, whose valid cells " +
		"are outside; that is no failure. Each launch decides for itself, so that a mean may be of 1 of 3 launches. " +
		"perf and run --precision have no SLO.")
	p.text("Goodput is the number of requests within every limit, whatever its statistic, per second. A failed " +
		"request is not within, nor is one without a latency that has a limit. The sidecar keeps it for the SLO of " +
		"the run. plot with another SLO computes it from profile_export.jsonl; it is blank if records are missing.")
}
