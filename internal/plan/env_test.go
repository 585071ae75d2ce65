package plan

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/profiles"
)

func TestInherit(t *testing.T) { // S-02
	for _, row := range []struct {
		why, name string
		services  bool
		load      bool
	}{
		{"programs are found by it", "PATH", true, true},
		{"a proxy to the model hub", "https_proxy", true, true},
		{"the token of gated models", "HF_TOKEN", true, true},
		{"its older name", "HUGGING_FACE_HUB_TOKEN", true, true},
		{"NCCL's own settings, whatever their end", "NCCL_X_TOKEN", true, true},
		{"UCX's", "UCX_TLS", true, true},
		{"where CUDA is", "CUDA_HOME", true, true},
		{"a variable that no table has", "MADE_UP", true, true},
		{"an exported function of bash", "BASH_FUNC_module%%", true, true},
		{"a part of a name is no pattern", "MY_DYN_X", true, true},
		{"C11: an allocator", "LD_PRELOAD", true, true},
		{"C11: a version of Python", "PYENV_VERSION", true, true},
		{"C21: a cache of compiled code", "TORCHINDUCTOR_CACHE_DIR", true, true},
		{"C21: another one", "TRITON_CACHE_DIR", true, true},
		{"C21: encodings for a machine without a network", "TIKTOKEN_ENCODINGS_BASE", true, true},
		{"C21: a compiler", "CC", true, true},
		{"of Dynamo's container", "NIXL_PLUGIN_DIR", true, true},
		{"of Dynamo's container", "NIXL_LIB_DIR", true, true},
		{"of Dynamo's container", "LD_LIBRARY_PATH", true, true},
		{"of Dynamo's container", "VIRTUAL_ENV", true, true},
		{"of Dynamo's container", "DYNAMO_HOME", true, true},
		{"C17: a limit of aiperf", "AIPERF_DATASET_CONFIGURATION_TIMEOUT", false, true},
		{"a credential that no child needs", "AWS_SECRET_ACCESS_KEY", false, false},
		{"a credential by its end", "GITHUB_TOKEN", false, false},
		{"a credential by its end", "DB_PASSWORD", false, false},
		{"the way to somebody's machines", "SSH_AUTH_SOCK", false, false},
		{"C12: every request would get 401", "VLLM_API_KEY", false, false},
		{"it would send Dynamo to another launch", "DYN_NAMESPACE", false, false},
		{"it would send Dynamo to another etcd", "ETCD_ENDPOINTS", false, false},
		{"it would send Dynamo to another NATS", "NATS_SERVER", false, false},
		{"GPUs come from the profile", "CUDA_VISIBLE_DEVICES", false, false},
		{"ports come from the plan", "VLLM_PORT", false, false},
		{"side channels come from the plan", "VLLM_NIXL_SIDE_CHANNEL_PORT", false, false},
		{"a rank of the caller's job", "SLURM_PROCID", false, false},
		{"a rank of the caller's job", "PMIX_RANK", false, false},
		{"a rank of the caller's job", "VLLM_DP_RANK", false, false},
		{"workers would share their counters", "PROMETHEUS_MULTIPROC_DIR", false, false},
		{"its older name", "prometheus_multiproc_dir", false, false},
		{"a certificate is no credential", "AWS_CA_BUNDLE", true, true},
		{"a region is no credential", "AWS_DEFAULT_REGION", true, true},
		{"an address is no credential", "AWS_ENDPOINT_URL_S3", true, true},
		{"a project is no credential", "GOOGLE_CLOUD_PROJECT", true, true},
		{"a certificate", "SSL_CERT_FILE", true, true},
		{"a certificate", "REQUESTS_CA_BUNDLE", true, true},
		{"a credential", "AWS_ACCESS_KEY_ID", false, false},
		{"a credential", "AWS_SESSION_TOKEN", false, false},
		{"a credential", "AWS_PROFILE", false, false},
		{"a credential", "GOOGLE_APPLICATION_CREDENTIALS", false, false},
	} {
		environ := []string{row.name + "=v"}
		named := slices.Contains(Inherit(environ), row.name)
		services, _ := Environ(environ, nil)
		load, _ := LoadEnviron(environ, nil)
		if named != row.services || len(services) == 1 != row.services || len(load) == 1 != row.load {
			t.Errorf("%s: services receive %s: %t, aiperf: %t; named: %t", row.why, row.name, len(services) == 1, len(load) == 1, named)
		}
		if slices.Contains(DroppedNames(environ), row.name) == row.load {
			t.Errorf("%s: %s is dropped: %t", row.why, row.name, !row.load)
		}
	}
	got := Inherit([]string{"PATH=/a", "no-value", "HOME=/h", "PATH=/b", "="})
	if diff := cmp.Diff([]string{"HOME", "PATH"}, got); diff != "" {
		t.Errorf("sorted, each once (-want +got):\n%s", diff)
	}
}

func TestDroppedNamesFitALine(t *testing.T) {
	environ := []string{"HOME=/h", "DYN_A=1", "DYN_B=1", "CUDA_VISIBLE_DEVICES=", "HF_TOKEN=x", "MY_TOKEN=s\x1b"}
	for i := range 52 {
		environ = append(environ, fmt.Sprintf("SLURM_%d=v", i))
	}
	want := "CUDA_VISIBLE_DEVICES, DYN_A, DYN_B, MY_TOKEN, SLURM_* (52)"
	if got := DroppedText(DroppedNames(environ)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := DroppedText(DroppedNames([]string{"HOME=/h"})); got != "" {
		t.Errorf("nothing is dropped: %q", got)
	}
}

func TestEnviron(t *testing.T) {
	caller := []string{"PATH=/bin", "SECRET=s3", "HF_HUB_OFFLINE=1", "DYN_NAMESPACE=other", "A=theirs", "Z=\x00"}
	own := []string{"HF_HUB_OFFLINE", "A=0", "A=1", "TOKEN=${ENV:SECRET}", "B=${ENV:NOT_SET}", "C=${ENV:a b}", "D=x${ENV:SECRET}",
		"E=x:${ENV:SECRET}"}
	env, missing := Environ(caller, own)
	want := []string{"PATH=/bin", "SECRET=s3", "Z=\x00", "A=1", "TOKEN=s3", "B=", "C=${ENV:a b}", "D=x${ENV:SECRET}", "E=x:${ENV:SECRET}"}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"NOT_SET"}, missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

// C20: what is beside a program is found by it, whether or not its environment is activated.
func TestTheDirectoryOfAProgramIsFirstOnItsPath(t *testing.T) {
	for _, row := range []struct{ why, program, own, caller, want string }{
		{"the caller's PATH behind it", "/venv/bin/vllm", "X=1", "PATH=/usr/bin:/bin", "/venv/bin:/usr/bin:/bin"},
		{"the profile's PATH behind it", "/venv/bin/vllm", "PATH=/opt/bin", "PATH=/usr/bin", "/venv/bin:/opt/bin"},
		{"a PATH that refers to the caller's", "/venv/bin/vllm", "PATH=${ENV:MINE}", "MINE=/mine", "/venv/bin:/mine"},
		{"it is the first already", "/venv/bin/vllm", "PATH=/venv/bin:/opt/bin", "PATH=/usr/bin", "/venv/bin:/opt/bin"},
		{"a longer name is another directory", "/venv/bin/vllm", "PATH=/venv/bin2", "", "/venv/bin:/venv/bin2"},
		{"a caller without a PATH", "/venv/bin/vllm", "X=1", "", "/venv/bin:/usr/local/bin:/usr/bin:/bin"},
		{"a bare name", "vllm", "X=1", "PATH=/usr/bin", "/usr/bin"},
	} {
		env, missing := Environ([]string{row.caller}, ProgramEnv(row.program, "", []string{row.own}))
		if got := valuesOf(env)["PATH"]; got != row.want || len(missing) > 0 {
			t.Errorf("%s: %q, want %q; missing %v", row.why, got, row.want, missing)
		}
	}
	on := installed()
	on.Programs.VLLM, on.Programs.AIPerf, on.Programs.Nginx = "/venv/bin/vllm", "/other/aiperf", "/usr/sbin/nginx"
	p, err := made(builtIn(t, "agg-1node"), on, guide())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(slices.Clone(p.Services), Service{Argv: []string{on.Programs.AIPerf}, Env: p.Load.Env}) {
		if got, want := value(s, "PATH"), filepath.Dir(s.Argv[0])+":${ENV:PATH}"; got != want {
			t.Errorf("%s has PATH=%s, want %s", s.Argv[0], got, want)
		}
	}
}

// The interpreter of the tool cache would import the packages of another one.
func TestProgramsOfTheCacheKeepTheirPackages(t *testing.T) {
	caller := []string{"PYTHONPATH=/theirs", "PYTHONHOME=/theirs", "PYTHONSTARTUP=/theirs", "VIRTUAL_ENV=/theirs", "PYTHONHASHSEED=1"}
	for program, want := range map[string]int{"/cache/venv/bin/python": 1, "/cache2/venv/bin/python": 5, "python": 5} {
		env, _ := Environ(caller, ProgramEnv(program, "/cache", []string{"PATH=/x"}))
		if got := len(env) - 1; got != want {
			t.Errorf("%s receives %v", program, env)
		}
	}
	env, _ := Environ(caller, ProgramEnv("/cache/python", "/cache", []string{"PYTHONPATH=/mine"}))
	if !slices.Contains(env, "PYTHONPATH=/mine") {
		t.Errorf("the profile's PYTHONPATH is lost: %v", env)
	}
}

// A variable of which no table has the name changes nothing but the lists of names.
func TestForeignVariablesChangeOnlyTheLists(t *testing.T) {
	var foreign []string
	for i := range 200 {
		foreign = append(foreign, fmt.Sprintf("FOREIGN_%d=sentinel", i))
	}
	on := installed()
	on.Inherit = Inherit(foreign)
	with, err := made(builtIn(t, "disagg-1node"), on, guide())
	if err != nil || len(with.Inherit) != 200 {
		t.Fatalf("%d inherited, %v", len(with.Inherit), err)
	}
	with.Inherit = nil
	if diff := cmp.Diff(builtInPlan(t, "disagg-1node"), with); diff != "" {
		t.Errorf("(-without +with):\n%s", diff)
	}
}

func TestSlowVariables(t *testing.T) { // C02
	p := textPlan(t, `{name: a, kind: k, engine: mocker, model: m, env: {NCCL_DEBUG: trace, VLLM_TRACE_FUNCTION: "0"},
		aggregated: [{cuda_visible_devices: [0]}, {cuda_visible_devices: [1]}]}`)
	caller := []string{"CUDA_LAUNCH_BLOCKING=1", "NCCL_P2P_DISABLE=1", "NCCL_SHM_DISABLE=0", "VLLM_LOGGING_LEVEL=DEBUG",
		"VLLM_TRACE_FUNCTION=1", "NCCL_DEBUG=INFO", "TORCH_COMPILE_DISABLE="}
	var got []string
	for _, c := range SlowOf(p, caller) {
		got = append(got, fmt.Sprintf("%s=%s %t", c.Name, c.Value, c.Own))
	}
	want := []string{"CUDA_LAUNCH_BLOCKING=1 false", "NCCL_P2P_DISABLE=1 false", "NCCL_DEBUG=trace true", "VLLM_LOGGING_LEVEL=DEBUG false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
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
	env, _ := LoadEnviron([]string{"HF_HUB_OFFLINE=1", "PATH=/bin"}, builtInPlan(t, "demo-agg").Load.Env)
	if slices.Contains(env, "HF_HUB_OFFLINE=1") {
		t.Error("a local tokenizer, and aiperf gets HF_HUB_OFFLINE")
	}
	env, _ = LoadEnviron([]string{"HF_HUB_OFFLINE=1"}, builtInPlan(t, "agg-1node").Load.Env)
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
		all, missing := LoadEnviron([]string{"MINE=of-mine"}, p.Load.Env)
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
