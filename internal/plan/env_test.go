package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/profiles"
)

func TestInherit(t *testing.T) { // S-02
	for _, row := range []struct {
		why, name string
		want      bool
	}{
		{"programs are found by it", "PATH", true},
		{"caches lie there", "HOME", true},
		{"a locale", "LC_ALL", true},
		{"a proxy to the model hub", "https_proxy", true},
		{"the token of gated models", "HF_TOKEN", true},
		{"NCCL's own settings", "NCCL_DEBUG", true},
		{"where CUDA lies", "CUDA_HOME", true},
		{"a credential that no child needs", "AWS_SECRET_ACCESS_KEY", false},
		{"it would send Dynamo to another launch", "DYN_NAMESPACE", false},
		{"it would send Dynamo to another etcd", "ETCD_ENDPOINTS", false},
		{"it would send Dynamo to another NATS", "NATS_SERVER", false},
		{"GPUs come from the profile", "CUDA_VISIBLE_DEVICES", false},
		{"the order of GPUs is fixed", "CUDA_DEVICE_ORDER", false},
		{"ports come from the plan", "VLLM_PORT", false},
		{"side channels come from the plan", "VLLM_NIXL_SIDE_CHANNEL_PORT", false},
		{"another run's mark", "TOPOBENCH_RUN", false},
		{"TMPDIR is private", "TMPDIR", false},
		{"it changes which code runs", "LD_PRELOAD", false},
		{"a script could not name it", "HF_X;touch x", false},
		{"a script could not name it either", "LC_(", false},
	} {
		got := slices.Contains(Inherit([]string{row.name + "=v"}), row.name)
		if got != row.want {
			t.Errorf("%s is inherited: %t, want %t: %s", row.name, got, row.want, row.why)
		}
	}
	got := Inherit([]string{"PATH=/a", "no-value", "HOME=/h", "PATH=/b", "="})
	if diff := cmp.Diff([]string{"HOME", "PATH"}, got); diff != "" {
		t.Errorf("sorted, each once (-want +got):\n%s", diff)
	}
}

func TestEnviron(t *testing.T) {
	caller := []string{"PATH=/bin", "SECRET=s3", "HF_HUB_OFFLINE=1", "DYN_NAMESPACE=other"}
	own := []string{"HF_HUB_OFFLINE", "A=1", "TOKEN=${ENV:SECRET}", "B=${ENV:NOT_SET}", "C=${ENV:a b}", "D=x${ENV:SECRET}"}
	env, missing := Environ(caller, own)
	want := []string{"PATH=/bin", "A=1", "TOKEN=s3", "B=", "C=${ENV:a b}", "D=x${ENV:SECRET}"}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"NOT_SET"}, missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

// What the shell of the caller holds is named in a plan and never in its text.
func TestNoInheritedValueIsPrinted(t *testing.T) {
	var caller []string
	for i, name := range []string{"PATH", "HOME", "HF_TOKEN", "SECRET", "LC_ALL", "NCCL_X", "https_proxy"} {
		caller = append(caller, fmt.Sprintf("%s=sentinel-%d", name, i))
	}
	for _, name := range profiles.Names() {
		profile := builtIn(t, name)
		profile.Env = map[string]string{"HF_TOKEN": "${ENV:SECRET}"}
		p := planned(t, profile)
		p.Inherit = Inherit(caller)
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "sentinel-") {
			t.Errorf("the plan of %s holds a value of the caller's", name)
		}
		if !strings.Contains(string(text), "SECRET") {
			t.Errorf("the plan of %s does not name the variable that the profile refers to", name)
		}
		worker := slices.IndexFunc(p.Services, func(s Service) bool { return s.Role.Worker() })
		env, missing := Environ(caller, p.Services[worker].Env)
		if len(missing) > 0 || !slices.Contains(env, "HF_TOKEN=sentinel-3") {
			t.Errorf("%s: the service gets %v, missing %v", name, env, missing)
		}
	}
}

// The profile's env is for workers and frontends; a worker's own has the last word.
func TestWhoseEnvironmentWins(t *testing.T) {
	p := textPlan(t, `{name: a, kind: k, engine: mocker, model: m, env: {A: profile, B: profile}, balancer: {port: 8000},
		aggregated: [{cuda_visible_devices: [0], port: 8001, env: {A: worker}}, {cuda_visible_devices: [1], port: 8002}]}`)
	for _, row := range []struct{ service, name, want string }{
		{"aggregated-0", "A", "worker"}, {"aggregated-0", "B", "profile"}, {"aggregated-1", "A", "profile"},
		{"frontend-0", "A", "profile"}, {"nginx", "A", ""},
	} {
		if got := value(service(t, p, row.service), row.name); got != row.want {
			t.Errorf("%s has %s=%q, want %q", row.service, row.name, got, row.want)
		}
	}
}

// A value set in the shell must not win over what the plan decides.
func TestNothingOfTheShellMisdirectsDynamo(t *testing.T) {
	caller := []string{"DYN_NAMESPACE=other", "ETCD_ENDPOINTS=http://other", "NATS_SERVER=nats://other", "DYN_REQUEST_PLANE=nats",
		"CUDA_VISIBLE_DEVICES=77", "VLLM_PORT=1", "VLLM_NIXL_SIDE_CHANNEL_PORT=5600"}
	for _, name := range profiles.Names() {
		for _, s := range builtInPlan(t, name).Services {
			env, _ := Environ(caller, s.Env)
			for _, kv := range env {
				if slices.Contains(caller, kv) {
					t.Errorf("%s of %s gets the shell's %s", s.Name, name, kv)
				}
			}
		}
	}
}

func TestEveryChildCarriesTheMark(t *testing.T) {
	for _, name := range profiles.Names() {
		p := builtInPlan(t, name)
		children := append(slices.Clone(p.Services), Service{Name: "aiperf", Env: p.Load.Env})
		for _, s := range children {
			for _, kv := range []string{"TOPOBENCH_RUN=x", "SPT_NOENV=1", "TMPDIR=/tmp/t1"} {
				if !slices.Contains(s.Env, kv) {
					t.Errorf("%s of %s has no %s", s.Name, name, kv)
				}
			}
		}
		// On two cores aiperf's services need longer than its own 30 s.
		for _, kv := range []string{"AIPERF_SERVICE_REGISTRATION_TIMEOUT=300", "AIPERF_SERVICE_START_TIMEOUT=300"} {
			if !slices.Contains(p.Load.Env, kv) {
				t.Errorf("aiperf of %s has no %s", name, kv)
			}
		}
	}
}

// aiperf 0.13 refuses a local tokenizer when either variable is set, and the
// shell may have set them.
func TestLoadDropsOfflineForALocalTokenizer(t *testing.T) {
	env, _ := Environ([]string{"HF_HUB_OFFLINE=1", "PATH=/bin"}, builtInPlan(t, "demo-agg").Load.Env)
	if slices.Contains(env, "HF_HUB_OFFLINE=1") {
		t.Error("a local tokenizer, and aiperf gets HF_HUB_OFFLINE")
	}
	env, _ = Environ([]string{"HF_HUB_OFFLINE=1"}, builtInPlan(t, "agg-1node").Load.Env)
	if !slices.Contains(env, "HF_HUB_OFFLINE=1") {
		t.Error("a tokenizer of the hub, and what the person set is lost")
	}
}

// Where models and tokens are is the workers' and aiperf's business alike: it needs their
// tokenizer. Nothing else of the profile's env is its own.
func TestLoadFindsTheWorkersTokenizer(t *testing.T) {
	const env = "env: {HF_HOME: /models, HF_TOKEN: '${ENV:MINE}', HF_HUB_OFFLINE: 1, NCCL_DEBUG: INFO}"
	for model, want := range map[string]string{
		"Qwen/Qwen3-0.6B": "HF_HOME=/models HF_HUB_OFFLINE=1 HF_TOKEN=of-mine",
		"/models/m":       "HF_HOME=/models HF_TOKEN=of-mine", // aiperf refuses HF_HUB_OFFLINE here
	} {
		p := textPlan(t, "{name: a, kind: b, engine: mocker, model: "+model+", "+env+", aggregated: [{cuda_visible_devices: [0]}]}")
		all, missing := Environ([]string{"MINE=of-mine"}, p.Load.Env)
		got := slices.DeleteFunc(all, func(kv string) bool {
			return !strings.HasPrefix(kv, "HF_") && !strings.HasPrefix(kv, "NCCL") || strings.HasPrefix(kv, "HF_HUB_DISABLE")
		})
		slices.Sort(got)
		if strings.Join(got, " ") != want || len(missing) > 0 {
			t.Errorf("%s: %q, want %q; not set: %q", model, got, want, missing)
		}
	}
}

func TestTheProfileHasTheLastWord(t *testing.T) {
	p := textPlan(t, `{name: a, kind: b, engine: mocker, model: m, env: {DYN_REQUEST_PLANE: nats, X: all},
		aggregated: [{cuda_visible_devices: [0], env: {Y: own}}]}`)
	s := service(t, p, "aggregated-0")
	for name, want := range map[string]string{"DYN_REQUEST_PLANE": "nats", "X": "all", "Y": "own"} {
		if got := value(s, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// Dynamo's etcd client would take port 80 of a URL without one: what was asked whether it
// answers is what the workers are told.
func TestWorkersGetTheURLThatIsChecked(t *testing.T) {
	p := textPlan(t, `{name: a, kind: b, engine: mocker, model: m, discovery: {etcd: "http://192.0.2.1", nats: "nats://192.0.2.1"},
		aggregated: [{cuda_visible_devices: [0]}]}`)
	s := service(t, p, "aggregated-0")
	if got := value(s, "ETCD_ENDPOINTS") + " " + value(s, "NATS_SERVER"); got != "http://192.0.2.1:2379 nats://192.0.2.1:4222" {
		t.Errorf("workers are told %s", got)
	}
	if got := p.External[0].Gate.Address + " " + p.External[1].Gate.Address; got != "192.0.2.1:2379 192.0.2.1:4222" {
		t.Errorf("asked is %s", got)
	}
}
