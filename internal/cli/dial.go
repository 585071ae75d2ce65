package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/host/slurm"
	"topobench/internal/host/ssh"
	"topobench/internal/profile"
)

// slurmJob is the variable with the id of the job that a process is in.
const slurmJob = "SLURM_JOB_ID"

// recoverAfter is what a recovery of a lost connection may take beyond the grace of the agent.
const recoverAfter = 15 * time.Second

// dial connects to a machine by ssh or srun.
func (e *Env) dial(ctx context.Context, t Target) (Remote, error) {
	if t.Host.Transport == profile.Slurm && e.Getenv(slurmJob) == "" {
		return nil, fmt.Errorf("cannot connect to %s: it is a node of a Slurm allocation, and this command is in "+
			"none: start it in the allocation (srun --jobid JOB --overlap --pty bash); the end of a job ends all that "+
			"it had on its nodes", t.Name)
	}
	return e.dialWith(ctx, e.transport(t), t)
}

// dialWith connects by a transport, whose messages go to a file without a name: it is gone with this process.
func (e *Env) dialWith(ctx context.Context, by agent.Transport, t Target) (*agent.Remote, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, path, err := host.Nameless("")
	if err != nil {
		return nil, fmt.Errorf("cannot keep the messages of ssh: %w", err)
	}
	d := agent.Dial{Name: t.Name, Transport: by, Exe: exe, Run: t.Run, Grace: t.Grace, LogCap: t.LogCap,
		Environ: e.Environ, Log: path}
	again := func(ctx context.Context, recover bool) (*agent.Client, error) {
		d := d
		d.Recover = recover
		c, err := d.Connect(ctx)
		runtime.KeepAlive(log) // path has its number
		return c, err
	}
	c, err := again(ctx, false)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	d = d.After(c.Hello()) // for a recovery
	return agent.NewRemote(c, again, t.Grace+recoverAfter), nil
}

// transport is the way to a machine.
func (e *Env) transport(t Target) agent.Transport {
	node := cmp.Or(t.Host.Node, t.Host.Address)
	if t.Host.Transport == profile.Slurm {
		return slurm.Transport{Job: e.Getenv(slurmJob), Node: node, Step: "topobench-" + t.Run}
	}
	return ssh.Transport{Address: node, User: t.Host.User, Grace: t.Grace}
}

// nodes are the machines of the Slurm job that this process runs in.
func (e *Env) nodes(ctx context.Context) ([]profile.Host, error) {
	job, err := slurm.Allocation(ctx, e.Getenv, func(ctx context.Context, argv ...string) (string, string, int, error) {
		return host.Tool(ctx, e.Environ, argv...)
	})
	var all []profile.Host
	for _, n := range job.Nodes {
		all = append(all, profile.Host{Transport: profile.Slurm, Node: n.Name, Address: n.Address})
	}
	return all, err
}
