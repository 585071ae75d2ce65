package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"topobench/internal/deploy"
	"topobench/internal/host/proc"
	"topobench/internal/recovery"
)

// tempVariable names where runs have their short private directories; "" is /tmp.
const tempVariable = "TOPOBENCH_TMP"

type cleanCmd struct {
	Roots  []string `name:"artifacts-root-dir" placeholder:"DIR" type:"path" help:"Look below these too, for runs whose directory in /tmp is gone."`
	DryRun bool     `help:"Say what would be done, and do nothing."`
	Force  bool     `help:"Tell runs that live to end, and wait for them."`
}

// Run ends what dead runs of this user left, and says so.
func (c *cleanCmd) Run(ctx context.Context, env *Env) error {
	if err := linuxOnly("clean"); err != nil {
		return err
	}
	cleaner := recovery.Cleaner{Temp: env.Getenv(tempVariable), Roots: c.Roots, DryRun: c.DryRun, Force: c.Force}
	all, err := cleaner.Clean(ctx)
	for _, f := range all {
		tellFound(env.Stdout, f, c.DryRun)
		err = errors.Join(err, fault(f))
	}
	if err == nil && (len(all) == 0 || !c.DryRun) {
		fmt.Fprintln(env.Stdout, "nothing is left")
	}
	return err
}

// tellFound is a line for a run, and one for each thing that it had left.
func tellFound(w io.Writer, f recovery.Found, dry bool) {
	ended, removed := "ended", "removed"
	switch {
	case dry:
		ended, removed = "would end", "would remove"
	case len(f.Left) > 0:
		ended = "tried to end"
	}
	fmt.Fprintf(w, "run %s %s: %s\n", f.ID, fate(f), f.Path)
	if f.Ended > 0 {
		fmt.Fprintf(w, "  %s %s:\n", ended, proc.Count(f.Ended))
		printAll(w, f.Table, "    ")
	}
	for _, path := range f.Shm {
		fmt.Fprintf(w, "  %s %s\n", removed, path)
	}
	if f.Temp != "" && f.Err == nil {
		fmt.Fprintf(w, "  %s %s\n", removed, f.Temp)
	}
}

func fate(f recovery.Found) string {
	switch {
	case f.Living:
		return "lives"
	case f.Unknown:
		return "is left alone"
	case f.Gone:
		return "is gone with its directory"
	case f.Dirty:
		return "had ended DIRTY"
	default:
		return "had crashed"
	}
}

// runningError is a run that clean must not touch, because it is still running.
type runningError struct{ run string }

func (e *runningError) Error() string {
	return fmt.Sprintf("cannot clean a run that is still running: %s\n  wait for it, or end it with clean --force", e.run)
}

// fault is what an exit code must tell of a run: it lives, or something of it
// could not be ended.
func fault(f recovery.Found) error {
	switch {
	case f.Living && f.Owner.PID != 0:
		return &runningError{fmt.Sprintf("run %s (process %v)", f.ID, f.Owner)}
	case f.Living:
		return &runningError{fmt.Sprintf("run %s: %v", f.ID, f.Err)}
	case len(f.Left) > 0:
		return deploy.Dirty("run "+f.ID, f.Left, nil, strings.Split(f.Err.Error(), "\n")...)
	}
	return f.Err
}

// recoverRuns ends what dead runs of this user left, before a new one starts. What
// cannot be ended keeps it from starting; other faults are said and do not.
func recoverRuns(ctx context.Context, env *Env, note func(string)) error {
	all, err := recovery.Cleaner{Temp: env.Getenv(tempVariable)}.Clean(ctx)
	if err != nil {
		note(err.Error())
	}
	var dirty []error
	for _, f := range all {
		switch {
		case f.Living:
		case len(f.Left) > 0:
			dirty = append(dirty, fault(f))
		case f.Err != nil:
			note(f.Err.Error())
		default:
			note(recovered(f))
		}
	}
	return errors.Join(dirty...)
}

func recovered(f recovery.Found) string {
	text := fmt.Sprintf("run %s %s: its temporary directory is removed", f.ID, fate(f))
	if f.Ended > 0 {
		text += fmt.Sprintf(", and what it had left is ended, %s:\n  %s", proc.Count(f.Ended), strings.Join(f.Table, "\n  "))
	}
	if len(f.Shm) > 0 {
		text += "\n  removed " + strings.Join(f.Shm, ", ")
	}
	return text
}
