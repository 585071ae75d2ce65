package cli

import (
	"cmp"
	"context"
	"fmt"

	"topobench/internal/journal"
	"topobench/internal/preflight"
	"topobench/internal/recovery"
	"topobench/internal/run"
)

// preflight makes every check before a command starts processes, and prints the warnings. The error joins all faults.
func (e *Env) preflight(ctx context.Context, r preflight.Request) (preflight.Report, error) {
	r.Environ, r.Getenv, r.PortRange = e.Environ, e.Getenv, e.PortRange
	r.Temp, r.TempName = cmp.Or(e.Getenv(tempVariable), recovery.DefaultTemp), tempVariable
	report := preflight.All(ctx, r)
	for _, w := range report.Warnings() {
		fmt.Fprintf(e.Stderr, "topobench: warning: %s\n", w)
	}
	return report, report.Err()
}

// wishes are the checked topologies, as run takes them.
func wishes(checked []preflight.Topology) []run.Wish {
	var all []run.Wish
	for _, t := range checked {
		all = append(all, run.Wish(t))
	}
	return all
}

// announce prints the versions that were found and writes them into the journal.
func (s *session) announce(checked []preflight.Topology) {
	for _, line := range preflight.VersionLines(checked) {
		s.screen.Note(line)
	}
	for _, t := range checked {
		s.campaign.Journal.Note(journal.Versions{Topology: t.Profile.Name, Versions: t.Versions})
	}
}
