package recovery

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/host/proc"
)

// candidate is a run that may need recovery, and the temporary directory that points
// to it; Temp is "" if none does.
type candidate struct{ Temp, Run string }

// unfinished lists the runs that need recovery, each once.
func (c Cleaner) unfinished() ([]candidate, error) {
	var all []candidate
	var paths []string
	var faults []error
	for _, temp := range append([]string{c.Temp}, c.Temps...) {
		pointed, err := candidates(temp)
		running, unknown := byProcesses(temp)
		all, paths, faults = append(all, pointed...), append(paths, running...), append(faults, err, unknown)
	}
	for _, root := range c.Roots {
		abs, err := filepath.Abs(root)
		if err == nil {
			abs, err = filepath.EvalSymlinks(abs)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("cannot look for runs below %s: %w", root, err))
			continue
		}
		below, err := List(abs)
		foreign := func(path string) bool { return !ownedByUser(path) }
		if n, others := len(below), filtered(below, foreign); err == nil && len(others) > 0 {
			below = slices.DeleteFunc(below, foreign)
			err = fmt.Errorf("cannot clean %d of the runs below %s: %s", n-len(below), root,
				foreignRemedy(others, root))
		}
		faults = append(faults, err)
		paths = append(paths, slices.DeleteFunc(below, ended)...)
	}
	for _, path := range paths {
		all = append(all, candidate{Run: path})
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.Run, b.Run) })
	return slices.CompactFunc(all, func(a, b candidate) bool { return a.Run == b.Run }), errors.Join(faults...)
}

// candidates lists the runs to which this user's temporary directories below temp
// ("" is DefaultTemp) point, whether their owner runs or was killed. Pointers are
// hints: Open checks each run.
func candidates(temp string) ([]candidate, error) {
	if temp == "" {
		temp = DefaultTemp
	}
	entries, err := os.ReadDir(temp)
	if err != nil {
		return nil, artifacts.Cannot("list the temporary directories in", temp, err)
	}
	var all []candidate
	for _, e := range entries {
		path := filepath.Join(temp, e.Name())
		if !strings.HasPrefix(e.Name(), tempPrefix) || !ownedByUser(path) {
			continue
		}
		if run := (&tempDir{path: path}).target(); run != "" {
			all = append(all, candidate{Temp: path, Run: run})
		}
	}
	return all, nil
}

// byProcesses finds runs with live processes whose temporary directory was below temp
// and is gone, for example because /tmp was emptied. It finds them by the cookie in the
// environment of the processes and by their open files in the run's directory, and skips
// runs that are finished by their journal.
func byProcesses(temp string) ([]string, error) {
	temp = filepath.Clean(cmp.Or(temp, DefaultTemp))
	all, err := proc.Snapshot()
	if err != nil {
		return nil, err
	}
	var runs []string
	for _, p := range proc.Living(all) {
		env, err := proc.Environ(p.PID)
		id, of := value(env, artifacts.RunVariable), filepath.Dir(value(env, "TMPDIR"))
		if err != nil || id == "" || of != temp {
			continue
		}
		for _, file := range proc.Files(p) {
			root, _, found := strings.Cut(file, filepath.Join("/", artifacts.StateDir, id)+"/")
			if run := filepath.Join(root, artifacts.StateDir, id); found && isRunDir(run) && !ended(run) {
				runs = append(runs, run)
			}
		}
	}
	return slices.Compact(runs), nil
}

// InUse are the places of the temporary directories that this user's processes of runs have. A login may have a TMPDIR
// of its own, in which no other one looks.
func InUse() (places []string, err error) {
	all, err := proc.Snapshot()
	for _, p := range proc.Living(all) {
		env, unread := proc.Environ(p.PID)
		temp := value(env, "TMPDIR")
		if unread == nil && value(env, artifacts.RunVariable) != "" && plausibleTemp(temp) && ownedByUser(temp) {
			places = append(places, filepath.Dir(temp))
		}
	}
	slices.Sort(places)
	return slices.Compact(places), err
}

// value is the value of an environment variable, "" if it is not set.
func value(env []string, name string) string {
	for _, kv := range env {
		if v, found := strings.CutPrefix(kv, name+"="); found {
			return v
		}
	}
	return ""
}
