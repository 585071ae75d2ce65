package monitor

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

// A process whose child computes is busy by its tree, also when the child has ended.
func TestF36TreeOfTheClientIsMeasured(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux'")
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	// The shell reaps a child that computes, starts another, and ends with it.
	shell, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "(i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done); echo reaped; while :; do :; done"},
		&os.ProcAttr{Files: []*os.File{nil, in, nil}})
	in.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Wait()
	defer shell.Signal(os.Kill)
	c := newClientSampler(host.Local{}, proc.Load{})
	c.follow(t.Context(), shell.Pid)
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, 30*time.Second, func() bool {
		c.sample(t.Context())
		u := c.evidence()
		return u.Elapsed >= 1 && u.Seconds > 0.2 && u.Busiest > 0.1 && strings.Contains(u.Process, "aiperf") && u.CPUs >= 0.1
	})
	c.reset(t.Context())
	if u := c.evidence(); u.Seconds != 0 {
		t.Errorf("the start of the client counts: %+v", u)
	}
}

// A process of aiperf whose parent has ended falls to the shepherd and still counts.
func TestF36OrphansOfTheClientAreMeasured(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux'")
	}
	child, err := host.Starter{Exe: testbed.Program()}.Start(host.Spec{Name: "aiperf", Env: testbed.Audit(t).Env("PATH=" + os.Getenv("PATH")),
		Argv: []string{"/bin/sh", "-c", "((while :; do :; done) &); exec sleep 60"}, Log: filepath.Join(t.TempDir(), "log")})
	if err != nil {
		t.Fatal(err)
	}
	defer child.Stop(t.Context())
	c := newClientSampler(host.Local{}, proc.Load{})
	c.follow(t.Context(), child.Shepherd().PID)
	testbed.Eventually(t, 30*time.Second, func() bool {
		c.sample(t.Context())
		u := c.evidence()
		return u.Elapsed >= 1 && u.Seconds > 0.2 && u.Busiest > 0.1
	})
}

func TestF36BusyNginxIsNamed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux'")
	}
	start := func(script string) int {
		p, err := os.StartProcess("/bin/sh", []string{"sh", "-c", script}, &os.ProcAttr{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Kill(); p.Wait() })
		return p.Pid
	}
	nginx, err := proc.Read(start("while :; do :; done"))
	if err != nil {
		t.Fatal(err)
	}
	c := newClientSampler(host.Local{}, proc.Load{Procs: []proc.Proc{{PID: nginx.PID, Ticks: nginx.Ticks}}})
	c.follow(t.Context(), start("exec sleep 60"))
	testbed.Eventually(t, 30*time.Second, func() bool {
		c.sample(t.Context())
		u := c.evidence()
		return u.Elapsed >= 1 && u.Busiest > 0.1 && u.Process == fmt.Sprintf("nginx (pid %d)", nginx.PID) && u.Seconds < 0.1
	})
}

func TestF36ClientThatIsNotThere(t *testing.T) {
	c := newClientSampler(host.Local{}, proc.Load{})
	c.follow(t.Context(), 1<<30)
	c.sample(t.Context())
	if u := c.evidence(); u.Unread == "" {
		t.Errorf("got %+v", u)
	}
}
