package script

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/profiles"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

// here is where the scripts of tests write.
func here() Places { return Places{Root: "/r/root", State: "/r/root/.state", Temp: "/tmp/t1"} }

func guide() aiperf.Options { return aiperf.Options{Seed: aiperf.GuideSeed} }

// builtIn reads a profile in an environment whose cache is /cache.
func builtIn(t testing.TB, name string) profile.Profile {
	t.Helper()
	text, err := profiles.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) string { return map[string]string{"TOPOBENCH_CACHE": "/cache"}[name] }
	p, err := profile.Reader{Getenv: getenv, Cache: "/cache"}.Parse("built-in "+name, text)
	if err != nil {
		t.Fatal(err)
	}
	return p.WithHosts(map[string]profile.Host{"node0": {Transport: "ssh", Address: "192.0.2.10"},
		"node1": {Transport: "ssh", Address: "192.0.2.11"}})
}

// planned plans a profile with programs that carry the guide's names.
func planned(t testing.TB, p profile.Profile) plan.Plan {
	t.Helper()
	on := plan.Installation{Inherit: []string{"HOME", "PATH"},
		Programs: plan.Programs{Python: "python", VLLM: "vllm", AIPerf: "aiperf", Nginx: "nginx", Etcd: "etcd", NATS: "nats-server"}}
	launch, err := plan.Make(p, on, guide())
	if err != nil {
		t.Fatal(err)
	}
	return launch
}

func builtInPlan(t testing.TB, name string) plan.Plan { return planned(t, builtIn(t, name)) }

func printed(t testing.TB, at Places, plans ...plan.Plan) string {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, at, plans...); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// unchecked has no commands that a script runs before it starts a service.
func unchecked(p plan.Plan) plan.Plan {
	p.Services = slices.Clone(p.Services)
	for i := range p.Services {
		p.Services[i].Check = nil
	}
	return p
}
