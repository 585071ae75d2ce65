package cli

import (
	"cmp"
	"context"
	"fmt"

	"topobench/internal/preflight"
	"topobench/internal/recovery"
)

// preflight makes every check of a command that starts something, and prints the warnings. The error joins all
// faults.
func (e *Env) preflight(ctx context.Context, r preflight.Request) (preflight.Report, error) {
	r.Environ, r.Getenv, r.PortRange = e.Environ, e.Getenv, e.PortRange
	r.Temp, r.TempName = cmp.Or(e.Getenv(tempVariable), recovery.DefaultTemp), tempVariable
	report := preflight.All(ctx, r)
	for _, w := range report.Warnings() {
		fmt.Fprintf(e.Stderr, "topobench: warning: %s\n", w)
	}
	return report, report.Err()
}
