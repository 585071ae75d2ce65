package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host/proc"
	"topobench/internal/preflight"
	"topobench/internal/recovery"
)

// Variables with the directory for the short private directories of runs, the stronger first; without one it is /tmp.
const (
	tempVariable = "TOPOBENCH_TMP"
	tempFallback = "TMPDIR"
)

// temp is where runs have their private directories, and why a stronger choice was passed over.
func (e *Env) temp() (dir string, passed []string) {
	return recovery.ChooseTemp([]recovery.Place{{Name: tempVariable, Dir: e.Getenv(tempVariable)},
		{Name: tempFallback, Dir: e.Getenv(tempFallback)}, {Dir: recovery.DefaultTemp}},
		func(dir string) string { return preflight.TempFault(dir, recovery.LongestTemp) })
}

// temps are the places where runs of this user may have private directories: a run by another shell need not have had
// this one's TMPDIR.
func (e *Env) temps() (first string, others []string) {
	first, _ = e.temp()
	if first != recovery.DefaultTemp && e.Getenv(tempVariable) == "" {
		others = []string{recovery.DefaultTemp}
	}
	return first, others
}

type cleanCmd struct {
	Roots  []string `name:"artifacts-root-dir" placeholder:"DIR" type:"path" help:"Also search for runs in DIR."`
	DryRun bool     `help:"Print what clean would do, and change nothing."`
	Force  bool     `help:"Also stop runs that are still running, and wait for them."`
	Host   string   `placeholder:"NAME[=[USER@]ADDRESS]" help:"Clean another host (topobench help hosts)."`

	Kube          bool   `help:"Clean a namespace of Kubernetes (topobench help kubernetes)."`
	KubeContext   string `help:"Context of kubectl." placeholder:"NAME"`
	KubeNamespace string `help:"Namespace." placeholder:"NAME"`
}

// Run cleans up after dead runs of this user, and prints what it did.
func (c *cleanCmd) Run(ctx context.Context, env *Env) error {
	if err := linuxOnly("clean"); err != nil {
		return err
	}
	switch {
	case c.Kube:
		return c.inCluster(ctx, env)
	case c.KubeContext+c.KubeNamespace != "":
		return &usageError{errors.New("--kube-context and --kube-namespace need --kube")}
	}
	if c.Host != "" {
		return c.elsewhere(ctx, env)
	}
	temp, others := env.temps()
	return cleanAll(ctx, env.Stdout, recovery.Cleaner{Temp: temp, Temps: others, Roots: c.Roots, DryRun: c.DryRun,
		Force: c.Force})
}

// cleanAll cleans up after dead runs on this machine, and prints what it did.
func cleanAll(ctx context.Context, out io.Writer, c recovery.Cleaner) error {
	all, err := c.Clean(ctx)
	for _, f := range all {
		printFound(out, f, c.DryRun)
		err = errors.Join(err, foundError(f))
	}
	if err == nil && (len(all) == 0 || !c.DryRun) {
		fmt.Fprintln(out, "nothing is left")
	}
	return err
}

// printFound prints a line for a run, and one for each process and file that it had left.
func printFound(w io.Writer, f recovery.Found, dry bool) {
	killed, removed := "killed", "removed"
	switch {
	case dry:
		killed, removed = "would kill", "would remove"
	case len(f.Left) > 0:
		killed = "tried to kill"
	}
	fmt.Fprintf(w, "run %s %s: %s\n", f.ID, describe(f.Fate), f.Path)
	if f.Killed > 0 {
		fmt.Fprintf(w, "  %s %s:\n", killed, proc.Count(f.Killed))
		printAll(w, f.Table, "    ")
	}
	for _, path := range f.Shm {
		fmt.Fprintf(w, "  %s %s\n", removed, path)
	}
	if f.Temp != "" {
		fmt.Fprintf(w, "  %s %s\n", removed, f.Temp)
	}
	if next := continuation(f); next != "" {
		fmt.Fprintf(w, "  next: %s\n", next)
	}
}

// continuation is the command that continues the campaign of a killed run, or empty.
func continuation(f recovery.Found) string {
	if _, err := artifacts.ReadCampaign(f.Path); err != nil || f.Fate != recovery.Crashed {
		return ""
	}
	return resumeCommand(filepath.Dir(filepath.Dir(f.Path)))
}

func describe(f recovery.Fate) string {
	fates := map[recovery.Fate]string{recovery.Running: "is still running", recovery.Unknown: "is left alone",
		recovery.DirectoryGone: "had lost its directory", recovery.EndedDirty: "had ended DIRTY",
		recovery.Ended: "had ended", recovery.Damaged: "has a damaged journal"}
	return cmp.Or(fates[f], "had crashed")
}

// runningError reports a run that is still running, so that clean must not touch it.
type runningError struct{ run, remedy string }

func (e *runningError) Error() string { return fmt.Sprintf("cannot clean: %s\n  %s", e.run, e.remedy) }

// foundError is clean's error for one run: code 6 if the run is still running, 5 if one of its processes is left.
func foundError(f recovery.Found) error {
	switch {
	case f.Fate == recovery.Running && f.Owner.PID != 0:
		return &runningError{fmt.Sprintf("run %s is still running (process %d)", f.ID, f.Owner.PID),
			"wait for it, or stop it with clean --force"}
	case f.Fate == recovery.Running: // a signal needs a process
		return &runningError{fmt.Sprintf("run %s: %v", f.ID, f.Err), "its process is not visible to this user here: " +
			"run clean --force where it was started (another container), or as its user (sudo -u USER)"}
	case len(f.Left) > 0:
		return deploy.Dirty("run "+f.ID, f.Left, nil, strings.Split(f.Err.Error(), "\n")...)
	}
	return f.Err
}

// recoverRuns cleans up after dead runs of this user before a new run starts. It fails if a
// process is left, because the new run must not start beside it. note gets the other faults.
// Without a root it finds them by their temporary directories only, which a restart of the machine may remove.
func recoverRuns(ctx context.Context, env *Env, note func(string), roots ...string) error {
	temp, others := env.temps()
	all, err := recovery.Cleaner{Temp: temp, Temps: others, Roots: roots}.Clean(ctx)
	if err != nil {
		note(err.Error())
	}
	var dirty []error
	for _, f := range all {
		switch {
		case f.Fate == recovery.Running:
		case len(f.Left) > 0:
			dirty = append(dirty, foundError(f))
		default:
			if f.Err != nil {
				note(f.Err.Error())
			}
			if f.Killed+len(f.Shm) > 0 || f.Temp != "" {
				note(recovered(f))
			}
		}
	}
	return errors.Join(dirty...)
}

// recovered describes the killed processes and removed files of a run.
func recovered(f recovery.Found) string {
	var done []string
	if f.Killed > 0 {
		done = append(done, "killed "+proc.Count(f.Killed)+" that it had left")
	}
	removed := slices.Clone(f.Shm)
	if f.Temp != "" {
		removed = append(removed, f.Temp)
	}
	if len(removed) > 0 {
		done = append(done, "removed "+strings.Join(removed, ", "))
	}
	text := fmt.Sprintf("run %s %s: %s", f.ID, describe(f.Fate), strings.Join(done, ", and "))
	if len(f.Table) > 0 {
		text += "\n  " + strings.Join(f.Table, "\n  ")
	}
	return text
}
