package recovery

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/host/proc"
)

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
		id, of := value(env, "TOPOBENCH_RUN"), filepath.Dir(value(env, "TMPDIR"))
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

// value is the value of an environment variable, "" if it is not set.
func value(env []string, name string) string {
	for _, kv := range env {
		if v, found := strings.CutPrefix(kv, name+"="); found {
			return v
		}
	}
	return ""
}
