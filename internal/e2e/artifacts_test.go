package e2e_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
	"topobench/internal/programs"
)

const exportName = "profile_export_aiperf.json"

// checkState checks that the run's state is private, and that upstream's script finds no
// export in it.
func (r *running) checkState() {
	r.Helper()
	state := filepath.Join(r.root, artifacts.StateDir)
	if mode := r.stat(state).Mode(); mode != fs.ModeDir|0o700 {
		r.Errorf("%s is %v", state, mode)
	}
	phases := r.find(r.root, "phases")
	if len(phases) == 0 {
		r.Error("aiperf wrote no phases, so this test checks nothing")
	}
	for _, path := range phases {
		if !strings.HasPrefix(path, state+"/") {
			r.Errorf("upstream would draw %s as points", path)
		}
	}
}

// checkArtifacts checks one artifacts_N: its cells, each valid with one export, and a
// deployment_config.json that is older than the cells and begins with config.
func (r *running) checkArtifacts(name string, cells []string, config string) {
	r.Helper()
	dir := filepath.Join(r.root, name)
	var want []string
	for _, cell := range cells {
		want = append(want, filepath.Join(dir, cell, exportName))
	}
	if diff := cmp.Diff(want, r.find(dir, exportName)); diff != "" {
		r.Errorf("%s has other exports: %s", name, diff)
	}
	path := filepath.Join(dir, "deployment_config.json")
	var compact bytes.Buffer
	r.check(json.Compact(&compact, []byte(r.read(path))))
	if !strings.HasPrefix(compact.String(), config) {
		r.Errorf("%s\nhas     %s\nwithout %s", path, compact.String(), config)
	}
	for _, cell := range cells {
		r.checkCell(filepath.Join(dir, cell), r.stat(path).ModTime())
	}
}

// checkCell checks the verdict of a cell, and that it is newer than the config.
func (r *running) checkCell(cell string, config time.Time) {
	r.Helper()
	if made := r.stat(filepath.Join(cell, exportName)).ModTime(); made.Before(config) {
		r.Errorf("%s was written at %v, its deployment_config.json at %v", cell, made, config)
	}
	var sidecar struct {
		Valid      bool
		State, Run string
		Reasons    []string
		Checks     []struct{ Name, State string }
	}
	r.check(json.Unmarshal([]byte(r.read(filepath.Join(cell, artifacts.SidecarName))), &sidecar))
	valid := sidecar.Valid && sidecar.State == "valid" && len(sidecar.Reasons) == 0 && len(sidecar.Checks) > 0
	if !valid || sidecar.Run != filepath.Base(r.path()) {
		r.Errorf("%s: %+v", cell, sidecar)
	}
}

// checkUpstream checks that upstream's script reads exactly these cells (label, concurrency),
// in the order of our results.csv and with the same numbers to the last digit.
func (r *running) checkUpstream(cells ...string) {
	r.Helper()
	lines, err := csv.NewReader(strings.NewReader(r.read(filepath.Join(r.root, "results.csv")))).ReadAll()
	r.check(err)
	head := []string{"", "label", "configuration", "concurrency",
		"output_token_throughput_per_user_avg", "output_token_throughput_per_gpu_avg",
		"time_to_first_token_avg", "inter_token_latency_avg", "is_pareto_efficient"}
	if diff := cmp.Diff(head, lines[0][:len(head)]); diff != "" {
		r.Fatalf("results.csv does not begin with upstream's columns: %s", diff)
	}
	var found, points []string
	for _, line := range lines[1:] {
		found = append(found, line[1]+","+line[3])
		points = append(points, strings.Join(slices.Concat(line[1:2], line[3:8]), ","))
	}
	if diff := cmp.Diff(cells, found); diff != "" {
		r.Errorf("results.csv has other cells: %s", diff)
	}
	if diff := cmp.Diff(strings.Join(points, "\n")+"\n", r.readAsUpstream()); diff != "" {
		r.Errorf("upstream does not read the numbers of results.csv: %s", diff)
	}
}

// readAsUpstream returns a line for each point that plot_pareto.py would draw.
func (r *running) readAsUpstream() string {
	r.Helper()
	python := exec.Command(r.programs[programs.Python].Path, "testdata/read_as_upstream.py", r.root)
	var stderr strings.Builder
	python.Stderr = &stderr
	points, err := python.Output()
	if err != nil {
		r.Fatalf("upstream cannot read %s: %v\n%s", r.root, err, stderr.String())
	}
	return string(points)
}

// find returns every path of that name below dir, sorted.
func (f fixture) find(dir, name string) []string {
	f.Helper()
	var found []string
	f.check(filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == name {
			found = append(found, path)
		}
		return err
	}))
	return found
}

func (f fixture) stat(path string) fs.FileInfo {
	f.Helper()
	info, err := os.Stat(path)
	f.check(err)
	return info
}

// sharedPrompts counts the prompts that concurrency 1 and 2 have in common, in the data sets
// that aiperf wrote.
func (r *running) sharedPrompts(artifacts string) int {
	r.Helper()
	first, second := r.prompts(artifacts, "-concurrency1"), r.prompts(artifacts, "-concurrency2")
	if len(first) != 12 || len(second) != 24 {
		r.Errorf("%s: %d and %d different prompts, want 12 and 24", artifacts, len(first), len(second))
	}
	shared := 0
	for prompt := range first {
		if second[prompt] {
			shared++
		}
	}
	return shared
}

func (r *running) prompts(artifacts, cell string) map[string]bool {
	r.Helper()
	var inputs struct {
		Data []struct {
			Payloads []struct {
				Messages []struct{ Content string }
			}
		}
	}
	r.check(json.Unmarshal([]byte(r.read(filepath.Join(r.root, artifacts, cell, "inputs.json"))), &inputs))
	prompts := map[string]bool{}
	for _, session := range inputs.Data {
		for _, payload := range session.Payloads {
			for _, message := range payload.Messages {
				prompts[message.Content] = true
			}
		}
	}
	return prompts
}
