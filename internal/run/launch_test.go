package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/profile"
)

// A plan.sh that a person runs, to find a fault, is no part of the run that wrote it:
// the next run would kill its processes. And it writes over no cell of the run.
func TestF57PlanRunByHandIsNotOfTheRun(t *testing.T) {
	c, _ := newRunner(t, Options{})
	topology := Topology{Name: "a", Repeat: 1, Launches: 1}
	p := read(t, "a", "ka", "")
	made, err := plan.Make(p, plan.Installation{}, aiperf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	launch, err := c.place(preflight.Topology{Profile: p, Plan: made}, &topology)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(launch.Dirs[0], "plan.sh"))
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{"TOPOBENCH_RUN=" + c.Dir.ID(), c.Dir.Path(), c.Dir.TempDir(), topology.Artifacts.Path} {
		if strings.Contains(string(text), mark) {
			t.Errorf("it has %q in it", mark)
		}
	}
	for _, part := range []string{"TOPOBENCH_RUN=by-hand", "root=" + c.Dir.Root() + " #", `results=$root/artifacts_$free`,
		`--artifact-dir "$results/-concurrency$c"`, `dir="$root/.topobench/by-hand/a-$call"`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("it lacks %q", part)
		}
	}
	if env := strings.Join(launch.Services[0].Env, " "); !strings.Contains(env, "TOPOBENCH_RUN="+c.Dir.ID()) {
		t.Errorf("the run itself has lost its mark: %s", env)
	}
}

// read parses a profile of one aggregated mocker.
func read(t *testing.T, name, kind, extra string) profile.Profile {
	t.Helper()
	p, err := profile.Reader{}.Parse(name+".yaml", []byte("{name: "+name+", kind: "+kind+", engine: mocker, model: m, aggregated: [{cuda_visible_devices: [0]}]"+extra+"}"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
