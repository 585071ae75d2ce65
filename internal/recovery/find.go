package recovery

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/host/proc"
)

// byProcesses finds runs of which processes live whose temporary directory was below
// temp and is gone, as when somebody emptied /tmp: by the mark in their environment
// and the files that they have open in the run's directory. One of which nothing is to
// be done, by its journal, is left out.
func byProcesses(temp string) ([]string, error) {
	temp = filepath.Clean(cmp.Or(temp, artifacts.DefaultTemp))
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
			if run := filepath.Join(root, artifacts.StateDir, id); found && artifacts.Is(run) && !ended(run) {
				runs = append(runs, run)
			}
		}
	}
	return slices.Compact(runs), nil
}

// value is that of a variable, "" when it is not set.
func value(env []string, name string) string {
	for _, kv := range env {
		if v, found := strings.CutPrefix(kv, name+"="); found {
			return v
		}
	}
	return ""
}
