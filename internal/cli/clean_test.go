package cli_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/testbed"
)

// After a kill of topobench and all its shepherds in any phase, clean kills the remaining
// processes and proves it. A second clean finds nothing.
func TestF57EverythingKilledInEveryPhase(t *testing.T) {
	for _, m := range moments() {
		t.Run(fmt.Sprintf("%s-%d", m.phase, m.nth), func(t *testing.T) {
			if runtime.GOOS != "linux" {
				t.Skip("processes are started on Linux only")
			}
			t.Parallel()
			s := newWorkspace(t)
			s.held(t, m)
			if err := s.killAll(); err != nil {
				t.Fatal(err)
			}
			if code, err := s.code("it"); err != nil || code != -1 {
				t.Fatalf("exit code %d, %v", code, err)
			}
			s.cleans(t)
			s.gone(t, 0)
			s.tempGone(t)
			if s.cleans(t); s.text("clean.out") != "nothing is left\n" {
				t.Errorf("a second time:\n%s", s.text("clean.out"))
			}
		})
	}
}

// killAll kills topobench and its shepherds at the same moment: it stops them first, so that
// none can react to the death of another.
func (s *workspace) killAll() error {
	each := func(do func(testbed.Seen) error) (n int, faults error) {
		for _, p := range testbed.Carriers(s.mark) {
			if p.Comm == "topobench" || p.Comm == "shepherd" {
				n, faults = n+1, errors.Join(faults, do(p))
			}
		}
		return n, faults
	}
	if !testbed.Soon(patience, func() bool {
		n, running := each(func(p testbed.Seen) error {
			if p.State == "T" {
				return nil
			}
			return errors.Join(errors.New("it was not stopped"), syscall.Kill(p.PID, syscall.SIGSTOP))
		})
		return n > 0 && running == nil
	}) {
		return errors.New("topobench and its shepherds do not stop")
	}
	_, err := each(func(p testbed.Seen) error { return syscall.Kill(p.PID, syscall.SIGKILL) })
	return err
}

// cleans runs clean, and returns how long that took.
func (s *workspace) cleans(t testing.TB) time.Duration {
	t.Helper()
	began := time.Now()
	if _, err := s.launch("clean", paths(), "topobench", "clean"); err != nil {
		t.Fatal(err)
	}
	code, err := s.code("clean")
	took := time.Since(began)
	if err != nil || code != 0 || !strings.HasSuffix(s.text("clean.out"), "nothing is left\n") {
		t.Errorf("clean: exit code %d, %v\n%s%s", code, err, s.text("clean.out"), s.text("clean.err"))
	}
	return took
}

// A process that another daemon started for the run descends from no shepherd. It is
// killed because it carries the run's cookie; a process with another run's cookie is not.
func TestStrayOfAnotherDaemonIsKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are started on Linux only")
	}
	t.Parallel()
	s := newWorkspace(t)
	it, err := s.launch("it", paths(), "topobench", "up", "one.yaml", "--artifacts-root-dir", "root")
	if err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, patience, func() bool { return strings.Contains(s.text("it.err"), "is up: ") })
	id := filepath.Base(filepath.Dir(s.glob("root/.topobench/*/run.json")[0]))
	for name, run := range map[string]string{"stray": id, "stranger": "another"} {
		if _, err := s.launch(name, append(paths(), "TOPOBENCH_RUN="+run), "sleep", "60"); err != nil {
			t.Fatal(err)
		}
	}
	if err := it.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code, err := s.code("it"); err != nil || code != 130 {
		t.Errorf("exit code %d, %v", code, err)
	}
	if code, err := s.code("stray"); err != nil || code != -1 {
		t.Errorf("the stray ended with %d, %v", code, err)
	}
	if s.over("stranger") {
		t.Error("the stranger was hit")
	}
	text := s.text("it.err")
	if !strings.Contains(text, "killed 1 process of the run") || strings.Contains(text, "DIRTY") {
		t.Errorf("it prints\n%s", text)
	}
}

// The time that clean takes after kill -9 of everything; run with -bench to see it.
func BenchmarkCleanAfterEverythingWasKilled(b *testing.B) {
	var took []time.Duration
	for b.Loop() {
		s, err := build(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		_, err = s.launch("it", paths(), "topobench", "up", "agg.yaml", "--artifacts-root-dir", "root")
		if err != nil {
			b.Fatal(err)
		}
		testbed.Eventually(b, patience, func() bool { return strings.Contains(s.text("it.err"), "is up: ") })
		if err := s.killAll(); err != nil {
			b.Fatal(err)
		}
		if _, err := s.code("it"); err != nil {
			b.Fatal(err)
		}
		took = append(took, s.cleans(b))
		s.close(b)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ms-median")
	b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "ms-worst")
}
