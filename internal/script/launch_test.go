package script

import (
	"bufio"
	"context"
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
	"topobench/internal/testbed"
	"topobench/internal/tools"
	"topobench/profiles"
)

// realDemo is demo-agg with the real programs, on ports of its own, and where its script
// writes.
func realDemo(t *testing.T) (plan.Plan, Places) {
	t.Helper()
	found, err := tools.Search{}.Find(tools.Python, tools.Nginx, tools.AIPerf)
	if err != nil {
		t.Skipf("the real programs are not here (make tools): %v", err)
	}
	text, err := profiles.Read("demo-agg")
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.Parse("built-in demo-agg", text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.Model); err != nil {
		t.Skipf("the model of the demo is not here (make tools): %v", err)
	}
	p.PortBase, p.Balancer.Port, p.Aggregated[0].Port, p.Aggregated[1].Port = 22300, 22380, 22381, 22382
	on := plan.Installation{Root: os.Geteuid() == 0, Inherit: plan.Inherit(os.Environ()),
		Programs: plan.Programs{Python: found[tools.Python].Path, Nginx: found[tools.Nginx].Path, AIPerf: found[tools.AIPerf].Path}}
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

// The whole script: it brings the topology up, measures, leaving out what the server
// refuses, and takes everything down.
func TestScriptMeasures(t *testing.T) {
	p, at := realDemo(t)
	p.Load.ISL, p.Load.OSL, p.Load.Concurrency = 64, 16, []int{1}
	witness := testbed.Audit(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	bash := exec.CommandContext(ctx, "bash", "-s")
	bash.Env, bash.Stdin = witness.Env(os.Environ()...), strings.NewReader(printed(t, at, p))
	out, err := bash.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "down: demo-agg\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	if said := "which the server refuses (HTTP 400): "; !strings.Contains(string(out), said) {
		t.Errorf("%q is not in\n%s", said, out)
	}
	for _, file := range []string{"deployment_config.json", "-concurrency1/profile_export_aiperf.json"} {
		if _, err := os.Stat(filepath.Join(at.Root, "artifacts_0", file)); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
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
