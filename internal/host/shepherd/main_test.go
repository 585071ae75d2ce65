package shepherd_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"topobench/internal/host/shepherd"
	"topobench/internal/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

// inTest is a shepherd in a process of its own, as in a run.
type inTest struct {
	process  *os.Process
	lifeline *os.File
	reports  *json.Decoder
}

// start starts a shepherd and orders it to start its child.
func start(t *testing.T, args []string) inTest {
	t.Helper()
	h := idle(t, args)
	h.order(t, shepherd.OrderStart)
	return h
}

// idle starts a shepherd without any order.
func idle(t *testing.T, args []string) inTest {
	t.Helper()
	witness := testbed.Audit(t)
	orders, lifeline, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reports, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := os.StartProcess(os.Args[0], append([]string{os.Args[0]}, args...), &os.ProcAttr{
		Env: witness.Env(), Files: []*os.File{nil, nil, nil, orders, answers},
		Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	orders.Close()
	answers.Close()
	t.Cleanup(func() { lifeline.Close(); reports.Close() })
	return inTest{p, lifeline, json.NewDecoder(reports)}
}

func (h inTest) order(t *testing.T, order string) {
	t.Helper()
	if _, err := h.lifeline.WriteString(order + "\n"); err != nil {
		t.Fatal(err)
	}
}

func (h inTest) next(t *testing.T, want shepherd.Event) shepherd.Report {
	t.Helper()
	var r shepherd.Report
	if err := h.reports.Decode(&r); err != nil || r.Event != want {
		t.Fatalf("got %+v, %v, want %s", r, err, want)
	}
	return r
}

// code waits for the end of the shepherd, and fails the test for any further report.
func (h inTest) code(t *testing.T) int {
	t.Helper()
	var r shepherd.Report
	if err := h.reports.Decode(&r); err != io.EOF {
		t.Errorf("one report too many: %+v, %v", r, err)
	}
	state, err := h.process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return state.ExitCode()
}

func args(argv ...string) []string {
	return shepherd.Policy{Signal: syscall.SIGTERM}.Args(argv)
}

func TestReportsComeInOrderAndTheCodeIsPassedOn(t *testing.T) {
	h := start(t, args(testbed.Argv("exit", "7")...))
	if r := h.next(t, shepherd.Started); r.PID == 0 || r.Ticks == 0 {
		t.Errorf("no identity in %+v", r)
	}
	if r := h.next(t, shepherd.Ended); r.Code != 7 || r.Signal != 0 || r.Ordered {
		t.Errorf("got %+v, want code 7", r)
	}
	if r := h.next(t, shepherd.Gone); r.Killed != 0 || len(r.Left) > 0 {
		t.Errorf("got %+v, want nothing killed or left", r)
	}
	if got := h.code(t); got != 7 {
		t.Errorf("the shepherd ended with %d", got)
	}
}

func TestAClosedLifelineKillsWithoutGrace(t *testing.T) {
	policy := shepherd.Policy{Signal: syscall.SIGTERM, Grace: 1 << 40}
	h := start(t, policy.Args(testbed.Argv("leader")))
	h.next(t, shepherd.Started)
	h.lifeline.Close()
	if r := h.next(t, shepherd.Ended); r.Signal != int(syscall.SIGKILL) || !r.Ordered {
		t.Errorf("got %+v, want signal 9", r)
	}
	h.next(t, shepherd.Gone)
	if got := h.code(t); got != 128+9 {
		t.Errorf("the shepherd ended with %d", got)
	}
}

func TestAFailedStartIsReportedWithItsNumber(t *testing.T) {
	h := start(t, args("/nowhere/vllm"))
	if r := h.next(t, shepherd.Failed); r.Errno != syscall.ENOENT {
		t.Errorf("got %+v, want ENOENT", r)
	}
	if got := h.code(t); got != 127 {
		t.Errorf("the shepherd ended with %d", got)
	}
}

func TestWrongArgumentsAreReported(t *testing.T) {
	h := start(t, []string{shepherd.Command, "--grace=soon"})
	if r := h.next(t, shepherd.Failed); r.Error == "" {
		t.Errorf("no cause in %+v", r)
	}
	h.code(t)
}

// Whatever comes instead of the order to start, no child runs.
func TestF57NoChildWithoutTheOrder(t *testing.T) {
	for _, row := range []struct {
		why     string
		instead func(h inTest) error
	}{
		{"the lifeline closes", func(h inTest) error { return h.lifeline.Close() }},
		{"another order comes", func(h inTest) error { h.order(t, shepherd.OrderStop); return nil }},
	} {
		t.Run(row.why, func(t *testing.T) {
			mark := filepath.Join(t.TempDir(), "mark")
			h := idle(t, args("/bin/sh", "-c", "echo >"+mark))
			if err := row.instead(h); err != nil {
				t.Fatal(err)
			}
			if r := h.next(t, shepherd.Failed); !strings.Contains(r.Error, "no order to start") || r.Errno != 0 {
				t.Errorf("no cause in %+v", r)
			}
			if got := h.code(t); got != 127 {
				t.Errorf("the shepherd ended with %d", got)
			}
			if _, err := os.Stat(mark); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the child has run: %v", err)
			}
		})
	}
}

// SIGTERM ends a shepherd that waits for its order, also before it handles signals.
func TestSIGTERMBeforeTheOrder(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	h := idle(t, args("/bin/sh", "-c", "echo >"+mark))
	if err := h.process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var r shepherd.Report
	for err := error(nil); err == nil; err = h.reports.Decode(&r) {
		if r.Event == shepherd.Started {
			t.Fatalf("got %+v", r)
		}
	}
	h.code(t)
	if _, err := os.Stat(mark); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the child has run: %v", err)
	}
}
