package aiperf

import (
	"context"
	"errors"
	"io/fs"
	"syscall"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
)

// Machine runs aiperf. host.Local is this one, *agent.Remote another one; a lost connection to it has to end the
// context of Run.
type Machine interface {
	Start(spec host.Spec) (host.Handle, error)
	Run(ctx context.Context, spec host.Spec) (output []byte, exit host.Exit, err error)
	Put(ctx context.Context, files ...host.File) error
	Get(ctx context.Context, path string, from, limit int64) ([]byte, error)
}

// child is aiperf on any machine. Interrupt is for its first process only; its orphans fall to its shepherd.
type child interface {
	host.Handle
	Interrupt(sig syscall.Signal) error
	Shepherd() proc.Proc
}

// Limits of one look at a file of aiperf. While aiperf runs, another machine that answers late must not look like a
// topobench that was suspended.
const (
	pollWithin = 800 * time.Millisecond
	getWithin  = 10 * time.Second
)

// start starts aiperf. On another machine its directory is made first.
func (j Job) start(ctx context.Context, on Machine) (child, error) {
	if j.Copy != (Copy{}) {
		if err := on.Put(ctx, host.File{Path: j.Dir, Mode: fs.ModeDir | 0o700}); err != nil {
			return nil, err
		}
	}
	started, err := on.Start(host.Spec{Name: j.Name, Argv: j.Load.Argv(j.Concurrency, j.Dir), Env: j.Env, Dir: j.Dir,
		Log: j.Log, Grace: interruptGrace})
	if err != nil {
		return nil, err
	}
	c, is := started.(child)
	if !is {
		return nil, errors.Join(errors.New("its machine cannot interrupt it"), started.Stop(j.Force))
	}
	return c, nil
}

// get reads a part of a file, also after the end of ctx: what aiperf has written is evidence then.
func get(ctx context.Context, on Machine, path string, from, limit int64, within time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	return on.Get(ctx, path, from, limit)
}
