package plan

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/profile"
	"topobench/internal/programs"
	"topobench/internal/testbed"
	"topobench/profiles"
)

// realDemo is demo-agg with the real programs, on ports of its own.
func realDemo(t *testing.T) Plan {
	t.Helper()
	found, err := programs.Search{}.Find(programs.Python, programs.Nginx, programs.AIPerf)
	if err != nil {
		t.Skipf("the real programs are not here (make tools): %v", err)
	}
	text, err := profiles.Read("demo-agg")
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.Reader{Cache: programs.CacheDir(nil)}.Parse("built-in demo-agg", text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.Model); err != nil {
		t.Skipf("the model of the demo is not here (make tools): %v", err)
	}
	p.PortBase, p.Balancer.Port, p.Aggregated[0].Port, p.Aggregated[1].Port = 21300, 21380, 21381, 21382
	s := site()
	s.Dir, s.Temp, s.Artifacts, s.Root = filepath.Join(t.TempDir(), "run-"+Call), t.TempDir(), filepath.Join(t.TempDir(), "artifacts_0"), os.Geteuid() == 0
	s.Programs = Programs{Python: found[programs.Python].Path, Nginx: found[programs.Nginx].Path, AIPerf: found[programs.AIPerf].Path}
	launch, err := Make(p, s)
	if err != nil {
		t.Fatal(err)
	}
	launch.Inherit = Inherit(os.Environ())
	return launch
}

// The printed script is what a person would type: it must bring the topology up,
// serve, and take everything down at SIGTERM.
func TestScriptReachesReadiness(t *testing.T) {
	p := realDemo(t)
	witness := testbed.Audit(t)
	path := filepath.Join(t.TempDir(), "plan.sh")
	if err := os.WriteFile(path, []byte(printed(t, p)), 0o600); err != nil {
		t.Fatal(err)
	}
	bash := exec.Command("bash", path, "launch")
	bash.Env, bash.Stderr = witness.Env(os.Environ()...), os.Stderr
	out, err := bash.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := bash.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(2*time.Minute, func() { _ = bash.Process.Signal(syscall.SIGTERM) }) // gone already is as good
	defer limit.Stop()
	lines := bufio.NewScanner(out)
	up := false
	for !up && lines.Scan() {
		t.Log(lines.Text())
		up = strings.HasPrefix(lines.Text(), "up: ")
	}
	if !up {
		t.Errorf("the script ended before the topology was up: %v", bash.Wait())
		return
	}
	serves(t, p)
	if err := bash.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := bash.Wait(); bash.ProcessState.ExitCode() != 143 {
		t.Errorf("after SIGTERM the script ends with %v, want exit status 143", err)
	}
	free(t, p)
}

// free: every port of the plan can be bound.
func free(t *testing.T, p Plan) {
	t.Helper()
	for _, port := range p.Ports() {
		l, err := net.Listen("tcp", at(loopback, port.Number))
		if err != nil {
			t.Errorf("port %d for %s of %s is not free: %v", port.Number, port.Use, port.Service, err)
			continue
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// serves sends one of the load's requests through nginx.
func serves(t *testing.T, p Plan) {
	t.Helper()
	l := p.Load
	l.NVExt = false // Dynamo 1.6 answers it with 400
	body, err := l.Body("one two three")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(p.Smoke.URLs[0]+"/v1/chat/completions", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Error(err)
		return
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Error(err)
	}
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(text), `"content":`) || !strings.Contains(string(text), "[DONE]") {
		t.Errorf("HTTP %d through nginx:\n%s", resp.StatusCode, text)
	}
}

// A router in kv mode hears from each worker that holds prompts, on a port of its own.
func TestRouterInKVModeHearsItsWorkers(t *testing.T) {
	text := `{name: a, kind: k, engine: dynamo, model: m, frontend: {router: kv}, engine_args: [--block-size, "32"],
		prefill: [{cuda_visible_devices: [0]}, {cuda_visible_devices: [1]}], decode: [{cuda_visible_devices: [2, 3], tensor_parallel: 2}]}`
	p := textPlan(t, text)
	events := map[string]bool{}
	for _, name := range []string{"prefill-0", "prefill-1", "decode-0"} {
		argv := service(t, p, name).Argv
		if i := slices.Index(argv, "--kv-events-config"); i >= 0 {
			events[argv[i+1]] = true
		} else if name != "decode-0" {
			t.Errorf("%s publishes nothing: %v", name, argv)
		}
	}
	if len(events) != 2 {
		t.Errorf("the endpoints are %v, want one of its own for each prefill and none for decode", events)
	}
	if got := value(service(t, p, "frontend"), "DYN_KV_CACHE_BLOCK_SIZE"); got != "32" {
		t.Errorf("the router thinks of blocks of %q", got)
	}
	where := site()
	where.Versions.Dynamo = "0.9.1"
	old, err := Make(read(t, "p.yaml", text), where)
	if err != nil {
		t.Fatal(err)
	}
	if got := value(service(t, old, "prefill-1"), "DYN_VLLM_KV_EVENT_PORT"); got == "" || slices.Contains(service(t, old, "prefill-1").Argv, "--kv-events-config") {
		t.Errorf("Dynamo 0.9 takes the port by the environment: %q", got)
	}
}
