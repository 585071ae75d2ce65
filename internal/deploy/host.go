package deploy

import (
	"context"

	"topobench/internal/host"
)

// Host is a machine on which services of a plan run. All paths, pids and ports are its
// own. host.Local is this machine.
type Host interface {
	// Start returns once the child runs. The error is a *host.StartError if it never will.
	Start(spec host.Spec) (host.Handle, error)
	// Run runs a short command to its end and returns its output, 1 MiB at most. An exit
	// code is no error. When ctx ends the command is killed, and the error is ctx's cause.
	Run(ctx context.Context, spec host.Spec) (output []byte, exit host.Exit, err error)
	// Put makes directories and writes files, with missing parents.
	Put(ctx context.Context, files ...host.File) error
	// Get reads at most limit bytes of a file from an offset on; a negative offset counts
	// from the end, as for the tail of a log. A missing file is fs.ErrNotExist.
	Get(ctx context.Context, path string, from, limit int64) ([]byte, error)
	// Look takes one snapshot. The error reports that the host shows nothing at all.
	Look(ctx context.Context, q host.Question) (host.Snapshot, error)
}
