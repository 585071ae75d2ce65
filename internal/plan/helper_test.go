package plan

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
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

// place is where tests launch.
func place() Placement {
	return Placement{Dir: "/runs/x/t", Temp: "/tmp/t1", Namespace: "topobench-x-t", Cookie: "x", Artifacts: "artifacts_root/artifacts_0"}
}

// installed are programs that carry the guide's names.
func installed() Installation {
	return Installation{Programs: Programs{Python: "python", VLLM: "vllm", AIPerf: "aiperf", Nginx: "nginx", Etcd: "etcd", NATS: "nats-server"}}
}

// guide is the guide's load.
func guide() aiperf.Options { return aiperf.Options{Seed: aiperf.GuideSeed} }

// made is a plan for an installation, placed.
func made(p profile.Profile, on Installation, o aiperf.Options) (Plan, error) {
	plan, err := Make(p, on, o)
	placed, fault := plan.At(place(), nil)
	return placed, errors.Join(err, fault)
}

// read reads a profile in an environment whose cache is /cache.
func read(t testing.TB, source, text string) profile.Profile {
	t.Helper()
	p, err := profile.Reader{Getenv: func(string) string { return "" }, Cache: "/cache"}.Parse(source, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// twoNodes are the machines of the profiles over two hosts.
func twoNodes() map[string]profile.Host {
	return map[string]profile.Host{"node0": {Transport: "ssh", Address: "192.0.2.10"},
		"node1": {Transport: "ssh", Address: "192.0.2.11", User: "bench"}}
}

func builtIn(t testing.TB, name string) profile.Profile {
	t.Helper()
	text, err := profiles.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, "built-in "+name, string(text)).WithHosts(twoNodes())
}

func planned(t testing.TB, p profile.Profile) Plan {
	t.Helper()
	plan, err := made(p, installed(), guide())
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func builtInPlan(t testing.TB, name string) Plan {
	t.Helper()
	return builtInPlanFor(t, name, Versions{})
}

func builtInPlanFor(t testing.TB, name string, v Versions) Plan {
	t.Helper()
	on := installed()
	on.Versions = v
	p, err := made(builtIn(t, name), on, guide())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// textPlan plans a profile given as text.
func textPlan(t testing.TB, text string) Plan { return planned(t, read(t, "/p/p.yaml", text)) }

func service(t testing.TB, p Plan, name string) Service {
	t.Helper()
	i := slices.IndexFunc(p.Services, func(s Service) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no service %s in %s", name, p.Name)
	}
	return p.Services[i]
}

// value is a variable of a service, the last one as env(1) has it.
func value(s Service, name string) string {
	for _, kv := range slices.Backward(s.Env) {
		if n, v, _ := strings.Cut(kv, "="); n == name {
			return v
		}
	}
	return ""
}
