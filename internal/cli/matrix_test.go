package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/run"
	"topobench/internal/testbed"
)

// moment is a place in a run: the Nth time that a phase begins.
type moment struct {
	phase run.Phase
	nth   int
}

// moments are one for each phase, and the first and last process of a start. The
// cell is the second one, so that there is a finished one before it.
func moments() []moment {
	var all []moment
	for _, p := range run.Phases() {
		switch p {
		case run.Starting:
			for nth := 1; nth <= services; nth++ {
				all = append(all, moment{p, nth})
			}
		case run.Measuring, run.Publishing, run.Recording:
			all = append(all, moment{p, 2})
		default:
			all = append(all, moment{p, 1})
		}
	}
	return all
}

// services is how many processes agg.yaml starts.
const services = 5

// A signal at every moment is the way to a complete teardown, and the exit code
// names it. A new phase gets its row by itself. The signals take one path, where each is
// only a number: so one goes through all phases, and the others come in a cell.
func TestF50SignalInEveryPhase(t *testing.T) {
	for _, m := range moments() {
		inPhase(t, m, syscall.SIGINT)
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		inPhase(t, moment{run.Measuring, 2}, sig)
	}
}

// Without the orchestrator the shepherds end everything, at every moment.
func TestF55KillInEveryPhase(t *testing.T) {
	for _, m := range moments() {
		inPhase(t, m, syscall.SIGKILL)
	}
}

func inPhase(t *testing.T, m moment, sig syscall.Signal) {
	t.Run(fmt.Sprintf("%s-%d/%s", m.phase, m.nth, sig), func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("processes are started on Linux only")
		}
		t.Parallel()
		s := newWorkspace(t)
		it := s.held(t, m)
		if err := it.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		code, err := s.code("it")
		if err != nil {
			t.Fatal(err)
		}
		want, limit := 128+int(sig), time.Duration(0)
		if sig == syscall.SIGKILL {
			want, limit = -1, 2*time.Second
		}
		if code != want {
			t.Errorf("exit code %d, want %d:\n%s", code, want, s.text("it.err"))
		}
		s.gone(t, limit)
		if sig != syscall.SIGKILL {
			s.tempGone(t)
		}
		s.intact(t, m)
	})
}

// held starts a run of two topologies and returns when it is at m.
func (s *workspace) held(t *testing.T, m moment) *running {
	t.Helper()
	it, err := s.launch("it", append(paths(), fmt.Sprintf("LC_AT=hold %s %d", m.phase, m.nth)),
		"topobench", "run", "agg.yaml", "disagg.yaml", "--artifacts-root-dir", "root")
	if err != nil {
		t.Fatal(err)
	}
	s.reaches(t, "held")
	return it
}

// paths is what a child needs of the test's own environment.
func paths() []string { return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")} }

// reaches waits for a file of the workspace.
func (s *workspace) reaches(t *testing.T, file string) {
	t.Helper()
	if !testbed.Soon(patience, func() bool { _, err := os.Stat(filepath.Join(s.dir, file)); return err == nil || s.over("it") }) || s.over("it") {
		code, err := s.code("it") // where it stands
		t.Fatalf("no file %s within %s: %v, exit code %d\n%s%s", file, patience, err, code, s.text("it.out"), s.text("it.err"))
	}
}

// gone fails the test unless, within limit, no process of the workspace lives and its
// ports are free.
func (s *workspace) gone(t *testing.T, limit time.Duration) {
	t.Helper()
	if left := s.left(limit); left != "" {
		t.Errorf("left behind after %s:\n%s", limit, left)
	}
	// Not at once: a process that another test forks has this one's descriptors, the
	// port just tried among them, until it executes.
	var ports []int
	if !testbed.Soon(time.Second, func() bool { ports = taken(s.ports); return len(ports) == 0 }) {
		t.Errorf("ports still taken: %v", ports)
	}
}

// tempGone fails the test if a run's directory below /tmp is there. Each run of
// the workspace names its own in its directory.
func (s *workspace) tempGone(t *testing.T) {
	t.Helper()
	for _, path := range s.glob("root/.topobench/*/run.json") {
		for _, temp := range regexp.MustCompile(`/[^"]*/tb-\d+`).FindAllString(s.text(path), -1) {
			if _, err := os.Lstat(temp); err == nil {
				t.Errorf("%s is left", temp)
			}
		}
	}
}

// intact fails the test for a cell that is neither whole nor absent, for a cell
// that is missing although it had ended, and for a topology that came too late.
func (s *workspace) intact(t *testing.T, m moment) {
	t.Helper()
	cells := s.glob("root/artifacts_*/-concurrency*")
	for _, cell := range cells {
		for _, file := range []string{"profile_export_aiperf.json", artifacts.SidecarName} {
			if text := s.text(filepath.Join(cell, file)); !strings.HasPrefix(text, "{") || !strings.HasSuffix(strings.TrimSpace(text), "}") {
				t.Errorf("half a cell: %s/%s", cell, file)
			}
		}
	}
	if after := m.phase != run.Claiming && m.phase != run.Planning; after && len(s.glob("root/artifacts_0/deployment_config.json")) == 0 {
		t.Error("no deployment_config.json")
	}
	switch m.phase {
	case run.Measuring, run.Publishing, run.Recording, run.Stopping, run.Proving, run.Reporting:
		if len(s.glob("root/artifacts_0/-concurrency1")) == 0 {
			t.Error("the finished cell is lost")
		}
	default:
		if len(cells) > 0 {
			t.Errorf("cells before any was measured: %v", cells)
		}
	}
	if m.phase != run.Reporting && len(s.glob("root/artifacts_1")) > 0 {
		t.Error("the next topology was begun")
	}
}

// glob is relative to the workspace.
func (s *workspace) glob(pattern string) (found []string) {
	paths, _ := filepath.Glob(filepath.Join(s.dir, pattern)) // the pattern is well formed
	for _, path := range paths {
		if rel, err := filepath.Rel(s.dir, path); err == nil {
			found = append(found, rel)
		}
	}
	return found
}
