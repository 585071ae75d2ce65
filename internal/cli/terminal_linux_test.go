package cli_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"topobench/internal/testbed"
)

// seat is a run of "up one.yaml" at a terminal of its own, as a shell would start it.
type seat struct {
	*workspace
	*testing.T
	window *os.File
	runJournal
}

// sit starts a program at a terminal, which is its controlling one.
func sit(t *testing.T, env []string, argv ...string) seat {
	t.Helper()
	window, program := testbed.Terminal(t)
	s := newWorkspace(t)
	defer program.Close()
	r, err := s.prepare("it", append(env, paths()...), argv...)
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stdin, r.cmd.Stdout, r.cmd.Stderr = program, program, program
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.begin("it", r); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, window) // until it is closed
	return seat{workspace: s, T: t, window: window, runJournal: runJournal{t, s}}
}

// press sends Ctrl-C the way a keyboard does.
func (s seat) press() {
	s.Helper()
	if _, err := s.window.Write([]byte{3}); err != nil {
		s.Fatal(err)
	}
}

// ends waits for the program's end.
func (s seat) ends(want ...int) {
	s.Helper()
	code, err := s.code("it")
	if err != nil {
		s.Fatal(err)
	}
	if !slices.Contains(want, code) {
		s.Errorf("exit code %d, want %v", code, want)
	}
}

// A worker that is deaf to SIGTERM has 30 s of grace. The second Ctrl-C ends it.
func TestF51CtrlCTwiceIsNoMoreGrace(t *testing.T) {
	t.Parallel()
	s := sit(t, []string{"LC_FAKE_WORKER=stubborn"}, "topobench", "up", "one.yaml", "--artifacts-root-dir", "root")
	s.has(`"service":"frontend","state":"ready"`)
	began := time.Now()
	s.press()
	s.has(`"service":"aggregated-0","state":"stopping"`)
	s.press()
	s.ends(130)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	s.has(`"event":"teardown-proved"`)
	s.gone(t, 0)
}

// Once, and the grace is waited for.
func TestF51CtrlCOnceKeepsTheGrace(t *testing.T) {
	t.Parallel()
	s := sit(t, []string{"LC_FAKE_WORKER=stubborn"}, "topobench", "up", "hasty.yaml", "--artifacts-root-dir", "root")
	s.has(`"service":"frontend","state":"ready"`)
	s.press()
	s.has(`"service":"aggregated-0","state":"stopping"`)
	began := time.Now()
	s.ends(130)
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("of a grace of 1s the worker had %v", took)
	}
	s.gone(t, 0)
}

// One event may send two signals that nobody types: timeout(1) signals its child and then
// the child's group, and a terminal that closes hangs up by its shell and by the kernel.
func TestF53TwoSignalsOfOneEventAreOne(t *testing.T) {
	t.Parallel()
	s := sit(t, []string{"LC_FAKE_WORKER=stubborn"}, "topobench", "up", "hasty.yaml", "--artifacts-root-dir", "root")
	s.has(`"service":"frontend","state":"ready"`)
	began := time.Now()
	for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGCONT} {
		if err := s.running["it"].cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	s.ends(129, 143) // the first names the code; on two threads the kernel may hand over either first
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("of a grace of 1s the worker had %v", took)
	}
	s.gone(t, 0)
}

// The third Ctrl-C, and any after it, is the end of topobench at once: here its
// shepherds stand still, so that nothing else could end it. Without a parent the
// kernel wakes them (SIGHUP and SIGCONT for an orphaned group), and they finish.
func TestF51CtrlCThreeTimesIsTheEnd(t *testing.T) {
	t.Parallel()
	s := sit(t, []string{"LC_FAKE_WORKER=stubborn"}, "topobench", "up", "one.yaml", "--artifacts-root-dir", "root")
	s.has(`"service":"frontend","state":"ready"`)
	s.freezeShepherds()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for range patience / (50 * time.Millisecond) { // equal signals that wait are one: on a busy machine three are not enough
		if s.over("it") {
			break
		}
		s.press()
		<-again.C
	}
	s.ends(5)
	s.gone(t, 2*time.Second)
}

func (s seat) freezeShepherds() {
	s.Helper()
	n := 0
	for _, p := range testbed.Carriers(s.mark) {
		if p.Comm == "shepherd" {
			n++
			if err := syscall.Kill(p.PID, syscall.SIGSTOP); err != nil {
				s.Error(err)
			}
		}
	}
	if n == 0 {
		s.Error("there is no shepherd")
	}
}

// The window is closed in the middle of a cell: SIGHUP, and EIO on every write.
func TestF53TerminalIsClosed(t *testing.T) {
	t.Run("teardown", func(t *testing.T) {
		t.Parallel()
		s := sit(t, []string{"LC_FAKE_AIPERF=hang"}, "topobench", "run", "one.yaml", "--artifacts-root-dir", "root")
		s.has(`"event":"cell-begin"`)
		if err := s.window.Close(); err != nil {
			t.Fatal(err)
		}
		s.ends(129)
		s.has(`"event":"teardown-proved"`)
		s.gone(t, 0)
	})
	t.Run("nohup", func(t *testing.T) { // it goes on, and ends as it would
		t.Parallel()
		s := sit(t, []string{"LC_AT=hold cell 1"}, "nohup", "topobench", "run", "one.yaml", "--artifacts-root-dir", "root")
		s.reaches(t, "held")
		if err := s.window.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, "go"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s.ends(0)
		s.gone(t, 0)
		if len(s.glob("root/artifacts_0/-concurrency1/profile_export_aiperf.json")) == 0 || len(s.glob("root/results.csv")) == 0 {
			t.Error("its results are missing")
		}
	})
}
