package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// elsewhere is a host that is not this machine: nothing of it is in this machine's /proc,
// ports or files. Its program "serve" listens on port 8000 until it is stopped.
func elsewhere() *testbed.Scripted {
	s := &testbed.Scripted{Taken: map[int]proc.Proc{}}
	s.Programs = map[string]testbed.ScriptedProgram{
		"serve": func(ctx context.Context, _ host.Spec, log io.Writer) int {
			s.Change(func() { s.Taken[8000] = proc.Proc{PID: 1001, Ticks: 1, Comm: "serve"} })
			defer s.Change(func() { delete(s.Taken, 8000) })
			fmt.Fprintln(log, "ready")
			<-ctx.Done()
			return 0
		},
		"die":   func(_ context.Context, _ host.Spec, log io.Writer) int { fmt.Fprintln(log, "out of memory"); return 3 },
		"check": func(_ context.Context, _ host.Spec, log io.Writer) int { fmt.Fprintln(log, "bad line 7"); return 1 },
	}
	return s
}

// onHost is a plan of one service with a port and a file, on a host.
func (b *bed) onHost(h Host, argv ...string) Target {
	o := b.options()
	o.Host = h
	svc := plan.Service{Name: "a", Role: plan.Frontend, Argv: argv, Log: "/elsewhere/a.log", Grace: soon,
		Ports: []plan.Port{{Service: "a", Use: "http", Number: 8000}}}
	t := target(o, svc)
	t.Plan.Dirs, t.Plan.Files = []string{"/elsewhere/dir"}, []plan.File{{Path: "/elsewhere/dir/conf", Text: "x"}}
	return t
}

// Files, processes, listeners, ports and leftovers are those of the host.
func TestUpAndDownOnAnotherHost(t *testing.T) {
	b, h := newBed(t), elsewhere()
	s, err := b.onHost(h, "serve").Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := h.Get(t.Context(), "/elsewhere/dir/conf", 0, 9); err != nil || string(text) != "x" {
		t.Errorf("the file has %q, %v", text, err)
	}
	testbed.Eventually(t, soon, func() bool { return b.processes(s)[0].Listener.PID != 0 })
	if p := b.processes(s)[0]; p.Foreign || p.Leader.PID != 1001 || p.Listener.PID != 1001 || b.pid("a") != 1001 {
		t.Errorf("the processes are %+v, with pid %d", p, b.pid("a"))
	}
	if err := s.Down(t.Context()); err != nil {
		t.Error(err)
	}
	if want := "starting a, ready a, stopping a, gone a"; b.history() != want {
		t.Errorf("events %s, want %s", b.history(), want)
	}
}

func TestUpFailsByWhatAnotherHostShows(t *testing.T) {
	foreign := proc.Proc{PID: 4711, Ticks: 1, Comm: "x"}
	for _, row := range []struct {
		why    string
		change func(h *testbed.Scripted, t *Target)
		words  string
	}{
		{"a foreign process has the port", func(h *testbed.Scripted, _ *Target) { h.Taken[8000] = foreign },
			"8000 (http of a) is taken by process 4711 (x)"},
		{"a configuration is bad", func(_ *testbed.Scripted, t *Target) { t.Plan.Services[0].Check = []string{"check"} }, "bad line 7"},
		{"a program is missing", func(_ *testbed.Scripted, t *Target) { t.Plan.Services[0].Argv = []string{"none"} }, "cannot start a"},
		{"a service dies", func(_ *testbed.Scripted, t *Target) {
			t.Plan.Services[0].Argv = []string{"die"}
			t.Await = func(ctx context.Context, _ plan.Service, _ func(string)) (time.Time, error) {
				<-ctx.Done()
				return time.Time{}, ctx.Err()
			}
		}, "a died: exit 3\n  last lines of /elsewhere/a.log:\n    out of memory"},
	} {
		t.Run(row.why, func(t *testing.T) {
			b, h := newBed(t), elsewhere()
			target := b.onHost(h, "serve")
			row.change(h, &target)
			_, err := target.Up(t.Context())
			if err == nil || !strings.Contains(err.Error(), row.words) {
				t.Errorf("got %v, want %q", err, row.words)
			}
			if _, dirty := errors.AsType[*DirtyError](err); dirty {
				t.Errorf("it is dirty: %v", err)
			}
		})
	}
}

// A leftover of the host makes the teardown DIRTY, and so does a host that does not answer.
func TestDownIsDirtyByWhatAnotherHostShows(t *testing.T) {
	for _, row := range []struct {
		why    string
		change func(h *testbed.Scripted)
		words  string
	}{
		{"a process is left", func(h *testbed.Scripted) { h.Left = []proc.Proc{{PID: 1 << 30, Ticks: 7, Comm: "stray"}} }, "stray"},
		{"the host does not answer", func(h *testbed.Scripted) { h.Fault = errors.New("no route to host") }, "no route to host"},
	} {
		t.Run(row.why, func(t *testing.T) {
			b, h := newBed(t), elsewhere()
			target := b.onHost(h, "serve")
			target.Plan.Services[0].Ports = nil // the check of ports waits for 10 s
			s, err := target.Up(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			h.Change(func() { row.change(h) })
			err = s.Down(t.Context())
			if _, dirty := errors.AsType[*DirtyError](err); !dirty || !strings.Contains(err.Error(), row.words) {
				t.Errorf("got %v, want DIRTY with %q", err, row.words)
			}
		})
	}
}
