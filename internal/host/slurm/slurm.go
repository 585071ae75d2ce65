// Package slurm reaches the nodes of a Slurm allocation by srun.
package slurm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"topobench/internal/host"
	"topobench/internal/host/agent"
)

// Transport is a node of an allocation; an agent.Transport.
type Transport struct {
	Job  string // id of the allocation
	Node string
	Step string // name of the job step, by which Abort finds it; one run has it once a node
}

func (t Transport) String() string { return "srun on " + t.Node + " of job " + t.Job }

// Argv is the command line of srun. The step shares the allocation with others, and its process is bound to no
// part of the node's CPUs.
func (t Transport) Argv(command string) []string {
	return []string{"srun", "--jobid", t.Job, "--overlap", "--nodes", "1", "--ntasks", "1", "--nodelist", t.Node,
		"--export=ALL", "--cpu-bind=none", "--job-name", t.Step, "sh", "-c", command}
}

// Explain is what Slurm's messages mean; nil = unknown.
func (t Transport) Explain(output string, _ int) error {
	return agent.Explain(Messages(), t.Node, output)
}

// Abort sends SIGTERM to the step: a signal to srun does not reach its processes in every version.
func (t Transport) Abort(ctx context.Context) error {
	return t.abort(ctx, func(ctx context.Context, argv ...string) (string, string, int, error) {
		return host.Tool(ctx, os.Environ(), argv...)
	})
}

func (t Transport) abort(ctx context.Context, run Run) error {
	out, err := output(ctx, run, "squeue", "--noheader", "--steps", "--jobs", t.Job, "--Format",
		"stepid:.64,stepname:.128")
	if err != nil {
		return fmt.Errorf("cannot list the steps of job %s: %w", t.Job, err)
	}
	var faults []error
	for _, step := range stepsNamed(out, t.Step) {
		_, messages, code, err := run(ctx, "scancel", "--signal=TERM", "--full", step)
		// The other nodes of the job do not have the step. Slurm reports that as a fault of the whole.
		if err == nil && (code == 0 || strings.Contains(messages, "Invalid job id specified")) {
			continue
		}
		err = fault("scancel", code, messages, err)
		faults = append(faults, fmt.Errorf("cannot stop step %s on %s: %w", step, t.Node, err))
	}
	return errors.Join(faults...)
}

// stepsNamed picks the ids of steps from lines of an id and a name.
func stepsNamed(listing, name string) (ids []string) {
	for line := range strings.Lines(listing) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[1] == name {
			ids = append(ids, fields[0])
		}
	}
	return ids
}
