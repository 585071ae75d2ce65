package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// A wave starts when every gate of the wave before is open, and not earlier.
func TestUpOpensGatesWaveByWave(t *testing.T) {
	b := newBed(t)
	open := make(chan struct{})
	b.await = func(ctx context.Context, s plan.Service) error {
		if s.Name != "b" {
			return nil
		}
		select {
		case <-open:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	go func() {
		if testbed.Soon(soon, func() bool { return strings.Contains(b.history(), "ready a") }) {
			if got, want := b.history(), "starting a, starting b, ready a"; got != want {
				t.Errorf("with the gate of b closed: %s, want %s", got, want)
			}
		}
		close(open)
	}()
	s := b.up(b.service("a", plan.Etcd, 0, "sleep"), b.service("b", plan.NATS, 0, "sleep"), b.service("c", plan.Frontend, 1, "sleep"))
	if got, want := b.history(), "starting a, starting b, ready a, ready b, starting c, ready c"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	if s.Times().Launch <= 0 || s.Context().Err() != nil {
		t.Errorf("launching took %s, and the context's error is %v", s.Times().Launch, s.Context().Err())
	}
}

// Servers that another person runs are probed before anything is started.
func TestUpProbesExternalServersFirst(t *testing.T) {
	b := newBed(t)
	b.await = func(_ context.Context, s plan.Service) error { return fmt.Errorf("%s is not ready", s.Name) }
	err := b.fails(plan.Plan{External: []plan.Service{{Name: "etcd at http://x"}}, Services: []plan.Service{b.service("a", plan.Frontend, 0, "sleep")}})
	if !strings.Contains(err.Error(), "etcd at http://x is not ready") || strings.Contains(b.history(), "starting a") {
		t.Errorf("error %v, events %s", err, b.history())
	}
}

func TestUpFailsBeforeAnythingStarts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		why    string
		change func(*plan.Plan)
		words  []string
	}{
		{"a directory cannot be made", func(p *plan.Plan) { p.Dirs = []string{filepath.Join(file, "x")} }, []string{"cannot put the files of t in place", "not a directory"}},
		{"a file cannot be written", func(p *plan.Plan) { p.Files = []plan.File{{Path: filepath.Join(file, "x")}} }, []string{"cannot put the files of t in place", "not a directory"}},
		{"nginx -t fails", func(p *plan.Plan) { p.Services[0].Check = testbed.Argv("exit", "7") }, []string{"cannot use the configuration of a", "exit 7", "exiting with 7"}},
	} {
		t.Run(row.why, func(t *testing.T) {
			b := newBed(t)
			p := plan.Plan{Services: []plan.Service{b.service("a", plan.Frontend, 0, "sleep")}}
			row.change(&p)
			err := b.fails(p)
			for _, word := range row.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("no %q in %v", word, err)
				}
			}
			if history := b.history(); history != "" {
				t.Errorf("events %s", history)
			}
		})
	}
}

func TestUpOnABusyPortNamesItsOwner(t *testing.T) {
	b := newBed(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	service := b.service("a", plan.Frontend, 0, "sleep")
	service.Ports = []plan.Port{{Service: "a", Use: "http", Number: port}}
	err = b.fails(plan.Plan{Services: []plan.Service{service}})
	if busy, ok := errors.AsType[*PortsBusyError](err); !ok || busy.ByRun {
		t.Fatalf("error %v, want *PortsBusyError of no run", err)
	}
	for _, word := range []string{fmt.Sprintf("%d (http of a) is taken by process %d (", port, os.Getpid()), "port_base"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("no %q in %v", word, err)
		}
	}
	if history := b.history(); history != "" {
		t.Errorf("events %s", history)
	}
}

// A later failure takes down what was started before it; the error names all failures of a wave.
func TestUpTakesDownWhatItStarted(t *testing.T) {
	b := newBed(t)
	a, missing, unset := b.service("a", plan.Etcd, 0, "grandchild"), b.service("m", plan.Frontend, 1, "sleep"), b.service("u", plan.Frontend, 1, "sleep")
	missing.Argv, a.Grace = []string{filepath.Join(b.dir, "no-such-program")}, time.Second // the grandchild of a ignores signals
	unset.Env = append(unset.Env, "TOKEN=${ENV:TOPOBENCH_TEST_UNSET}")
	for _, row := range []struct {
		why   string
		later []plan.Service
		is    error
		words []string
	}{
		{"a program is missing", []plan.Service{missing}, fs.ErrNotExist, []string{"cannot start m"}},
		{"a variable is not set", []plan.Service{unset}, nil, []string{"TOPOBENCH_TEST_UNSET"}},
		{"both", []plan.Service{missing, unset}, fs.ErrNotExist, []string{"cannot start m", "TOPOBENCH_TEST_UNSET"}},
	} {
		err := b.fails(plan.Plan{Services: append([]plan.Service{a}, row.later...)})
		for _, words := range row.words {
			if strings.Count(err.Error(), words) != 1 {
				t.Errorf("%s: %v, want %q once", row.why, err, words)
			}
		}
		if row.is != nil && !errors.Is(err, row.is) {
			t.Errorf("%s: %v, want %v", row.why, err, row.is)
		}
		if _, dirty := errors.AsType[*DirtyError](err); dirty {
			t.Errorf("%s: %v", row.why, err)
		}
	}
}

// The error is the death of a process, not the gate that did not open because of it.
func TestUpReportsTheDeathNotTheGate(t *testing.T) {
	b := newBed(t)
	b.await = func(ctx context.Context, s plan.Service) error {
		<-ctx.Done()
		return errors.New(s.Name + " is not ready")
	}
	err := b.fails(plan.Plan{Services: []plan.Service{b.service("a", plan.Frontend, 0, "sleep"), b.service("d", plan.Decode, 0, "exit", "3", "50ms")}})
	died, ok := errors.AsType[*host.DiedError](err)
	if !ok || died.Name != "d" || died.Exit.Code != 3 || !strings.Contains(err.Error(), "exiting with 3") {
		t.Errorf("error %v, want the death of d with its last words", err)
	}
}

func TestUpIsInterrupted(t *testing.T) {
	b := newBed(t)
	cause := errors.New("interrupted by Ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	b.await = func(ctx context.Context, _ plan.Service) error {
		cancel(cause)
		<-ctx.Done()
		return ctx.Err()
	}
	_, err := target(b.options(), b.service("a", plan.Frontend, 0, "sleep")).Up(ctx)
	if !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
}

// A sweep must not measure half a topology: half a second is too late already. A busy
// machine has three tries.
func TestADeathEndsTheContext(t *testing.T) {
	took := make([]time.Duration, 3)
	for i := range took {
		if took[i] = death(t); took[i] < 500*time.Millisecond {
			return
		}
	}
	t.Errorf("the context ended after %v, want 0.5s", took)
}

// death kills a worker and returns how long the stack's context went on.
func death(t *testing.T) time.Duration {
	t.Helper()
	b := newBed(t)
	s := b.up(b.service("frontend", plan.Frontend, 0, "sleep"), b.service("decode-0", plan.Decode, 0, "sleep"))
	b.awaitLog("decode-0", "ready")
	began := time.Now()
	if err := syscall.Kill(b.pid("decode-0"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Context().Done():
	case <-time.After(soon):
		t.Fatal("the context goes on")
	}
	took := time.Since(began)
	cause := context.Cause(s.Context())
	died, ok := errors.AsType[*host.DiedError](cause)
	if !ok || died.Name != "decode-0" || died.Exit.Signal != syscall.SIGKILL {
		t.Errorf("cause %v, want the death of decode-0 by signal 9", cause)
	}
	if !testbed.Soon(soon, func() bool { return strings.Contains(b.history(), "died decode-0") }) {
		t.Errorf("events %s", b.history())
	}
	return took
}
