package script

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/programs"
	"topobench/internal/testbed"
	"topobench/profiles"
)

// realDemo is demo-agg with the real programs, on ports of its own, and where its script
// writes.
func realDemo(t *testing.T) (plan.Plan, Places) {
	t.Helper()
	found, err := programs.Search{Getenv: os.Getenv}.Find(programs.Python, programs.Nginx, programs.AIPerf)
	if err != nil {
		t.Skipf("the real programs are not here (make tools): %v", err)
	}
	text, err := profiles.Read("demo-agg")
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.Reader{Cache: programs.CacheDir(os.Getenv)}.Parse("built-in demo-agg", text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.Model); err != nil {
		t.Skipf("the model of the demo is not here (make tools): %v", err)
	}
	p.PortBase, p.Balancer.Port, p.Aggregated[0].Port, p.Aggregated[1].Port = 22300, 22380, 22381, 22382
	on := plan.Installation{Root: os.Geteuid() == 0, Inherit: plan.Inherit(os.Environ()),
		Programs: plan.Programs{Python: found[programs.Python].Path, Nginx: found[programs.Nginx].Path, AIPerf: found[programs.AIPerf].Path}}
	launch, err := plan.Make(p, on, guide())
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	return launch, Places{Root: root, State: filepath.Join(root, ".state"), Temp: t.TempDir()}
}

// The printed script is what a person would type: it must bring the topology up,
// serve, and take everything down at SIGTERM.
func TestScriptReachesReadiness(t *testing.T) {
	p, at := realDemo(t)
	witness := testbed.Audit(t)
	path := filepath.Join(t.TempDir(), "plan.sh")
	if err := os.WriteFile(path, []byte(printed(t, at, p)), 0o600); err != nil {
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
	limit := time.AfterFunc(5*time.Minute, func() { _ = bash.Process.Signal(syscall.SIGTERM) }) // gone already is as good
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
	answers(t, p)
	if err := bash.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := bash.Wait(); bash.ProcessState.ExitCode() != 143 {
		t.Errorf("after SIGTERM the script ends with %v, want exit status 143", err)
	}
	free(t, p)
}

// free: every port of the plan can be bound.
func free(t *testing.T, p plan.Plan) {
	t.Helper()
	for _, port := range p.Ports() {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port.Number))
		if err != nil {
			t.Errorf("port %d for %s of %s is not free: %v", port.Number, port.Use, port.Service, err)
			continue
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// answers sends one of the load's requests through nginx.
func answers(t *testing.T, p plan.Plan) {
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
