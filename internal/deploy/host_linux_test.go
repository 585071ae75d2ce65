package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/testbed"
)

// hostBed is a host, and how a test sets up what lies outside the interface.
type hostBed struct {
	Host
	dir    string                      // for files
	argv   func(habit string) []string // "sleep", "exit" with 7, "stubborn" against SIGTERM
	env    []string                    // of its children
	cookie string                      // one of env
	listen func(t *testing.T) int      // takes a port
	serve  func(t *testing.T, page string) (url string)
}

func localBed(t *testing.T) hostBed {
	w := testbed.Audit(t)
	b := hostBed{dir: t.TempDir(), env: append(w.Env(), "HOST_TEST="+t.Name()), cookie: "HOST_TEST=" + t.Name()}
	b.Host = host.Local{Starter: host.Starter{Exe: os.Args[0]}, Temp: b.dir}
	b.argv = func(habit string) []string {
		if habit == "exit" {
			return testbed.Argv("exit", "7")
		}
		return testbed.Argv(habit)
	}
	b.listen = func(t *testing.T) int {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l.Addr().(*net.TCPAddr).Port
	}
	b.serve = func(t *testing.T, page string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, page) }))
		t.Cleanup(s.Close)
		return s.URL
	}
	return b
}

func scriptedBed(*testing.T) hostBed {
	s := &testbed.Scripted{Taken: map[int]proc.Proc{}, Pages: map[string]host.Page{}, Programs: map[string]testbed.ScriptedProgram{
		"sleep": func(ctx context.Context, _ host.Spec, log io.Writer) int {
			fmt.Fprintln(log, "ready")
			<-ctx.Done()
			return 143
		},
		"exit":     func(_ context.Context, _ host.Spec, log io.Writer) int { fmt.Fprintln(log, "exiting with 7"); return 7 },
		"stubborn": func(_ context.Context, _ host.Spec, log io.Writer) int { fmt.Fprintln(log, "ready"); select {} },
	}}
	return hostBed{Host: s, dir: "/scripted", argv: func(habit string) []string { return []string{habit} }, env: []string{"A=b"}, cookie: "A=b",
		listen: func(*testing.T) int {
			s.Change(func() { s.Taken[8000] = proc.Proc{PID: 4711, Ticks: 1, Comm: "x"} })
			return 8000
		},
		serve: func(_ *testing.T, page string) string {
			s.Change(func() { s.Pages["http://h/metrics"] = host.Page{Code: 200, Text: []byte(page)} })
			return "http://h/metrics"
		}}
}

// The contract of Host: what deploy relies on, whichever machine it is.
func TestHostContract(t *testing.T) {
	t.Parallel()
	for _, kind := range []struct {
		name string
		bed  func(*testing.T) hostBed
	}{{"local", localBed}, {"scripted", scriptedBed}} {
		for _, row := range []struct {
			name string
			test func(*testing.T, hostBed)
		}{
			{"a child lives until it is stopped", childIsStopped},
			{"a child that ends by itself", childEnds},
			{"a child without manners is killed", childIsKilled},
			{"a program that is not there", programIsMissing},
			{"a short command", commandRuns},
			{"files", filesAreKept},
			{"ports and pages", portsAndPages},
		} {
			t.Run(kind.name+"/"+row.name, func(t *testing.T) { row.test(t, kind.bed(t)) })
		}
	}
}

func (b hostBed) start(t *testing.T, habit string, grace time.Duration) (host.Handle, host.Spec) {
	t.Helper()
	spec := host.Spec{Name: habit, Argv: b.argv(habit), Env: b.env, Log: filepath.Join(b.dir, habit+".log"), Grace: grace}
	h, err := b.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		if err := h.Stop(now); err != nil {
			t.Error(err)
		}
	})
	return h, spec
}

// logged waits until a child's log has a word.
func (b hostBed) logged(t *testing.T, log, word string) {
	t.Helper()
	testbed.Eventually(t, soon, func() bool {
		text, err := b.Get(t.Context(), log, -1000, 1000)
		return err == nil && bytes.Contains(text, []byte(word))
	})
}

func (b hostBed) look(t *testing.T, q host.Question) host.Snapshot {
	t.Helper()
	s, err := b.Look(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func alive(s host.Snapshot, p proc.Proc) bool {
	return slices.ContainsFunc(proc.Living(s.Processes), p.Same)
}

func childIsStopped(t *testing.T, b hostBed) {
	h, spec := b.start(t, "sleep", soon)
	b.logged(t, spec.Log, "ready")
	all := host.Question{Processes: true}
	if s := b.look(t, all); !alive(s, h.Process()) || !slices.ContainsFunc(proc.Below(s.Processes, s.Self.PID, nil), h.Process().Same) {
		t.Errorf("%v is not in %+v", h.Process(), s.Processes)
	}
	first := b.look(t, host.Question{Trees: []int{h.Process().PID, 1 << 30}}).Loads
	if len(first) != 2 || len(first[0].Procs) != 1 || !first[0].Procs[0].Same(h.Process()) || !first[1].At.IsZero() {
		t.Fatalf("loads %+v", first)
	}
	if again := b.look(t, host.Question{Again: first}).Loads; len(again) != 2 || !again[0].At.After(first[0].At) || !again[1].At.IsZero() {
		t.Errorf("loads again %+v", again)
	}
	select {
	case <-h.Done():
		t.Fatal("it ended by itself")
	default:
	}
	if exit := h.Exit(); !exit.At.IsZero() {
		t.Errorf("it has ended already: %v", exit)
	}
	for range 2 { // stopping twice is no error
		if err := h.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
	<-h.Done()
	<-h.Gone()
	if exit := h.Exit(); !exit.Stopped || exit.At.IsZero() {
		t.Errorf("exit %+v", exit)
	}
	if s := b.look(t, all); alive(s, h.Process()) || len(s.Leftovers) > 0 {
		t.Errorf("it is still there: %+v", s.Leftovers)
	}
}

func childEnds(t *testing.T, b hostBed) {
	h, spec := b.start(t, "exit", soon)
	<-h.Done()
	if exit := h.Exit(); exit.Code != 7 || exit.Signal != 0 || exit.Stopped {
		t.Errorf("exit %+v", exit)
	}
	end, err := b.Get(t.Context(), spec.Log, -host.LogEnd, host.LogEnd)
	if died := host.Died(spec, h.Exit(), end, err); !strings.Contains(died.Error(), "died: exit 7\n") || !slices.Contains(died.Tail, "exiting with 7") {
		t.Errorf("got %v", died)
	}
}

func childIsKilled(t *testing.T, b hostBed) {
	h, spec := b.start(t, "stubborn", time.Hour)
	b.logged(t, spec.Log, "ready")
	now, cancel := context.WithCancel(t.Context())
	cancel() // no grace
	if err := h.Stop(now); err != nil {
		t.Error(err)
	}
	<-h.Done()
	if exit := h.Exit(); int(exit.Signal) != 9 || !exit.Stopped {
		t.Errorf("exit %+v", exit)
	}
}

func programIsMissing(t *testing.T, b hostBed) {
	h, err := b.Start(host.Spec{Name: "x", Argv: []string{"/nowhere/vllm"}, Log: filepath.Join(b.dir, "x.log")})
	start, is := errors.AsType[*host.StartError](err)
	if h != nil || !is || start.Name != "x" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, %v", h, err)
	}
}

func commandRuns(t *testing.T, b hostBed) {
	spec := host.Spec{Name: "c", Argv: b.argv("exit"), Env: b.env, Log: filepath.Join(b.dir, "c.log")}
	for range 2 { // the second time the log has the first output in it
		output, exit, err := b.Run(t.Context(), spec)
		if string(output) != "exiting with 7\n" || exit.Code != 7 || err != nil {
			t.Errorf("got %q, %v, %v", output, exit, err)
		}
	}
	late := errors.New("late")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, late)
	defer cancel()
	spec.Argv = b.argv("stubborn")
	if _, exit, err := b.Run(ctx, spec); !errors.Is(err, late) || !exit.Stopped {
		t.Errorf("got %v, %v", exit, err)
	}
}

func filesAreKept(t *testing.T, b hostBed) {
	ctx := t.Context()
	path, dir := filepath.Join(b.dir, "a", "b", "f"), filepath.Join(b.dir, "d")
	for _, data := range []string{"a long first version", "0123456789"} {
		if err := b.Put(ctx, host.File{Path: dir, Mode: fs.ModeDir | 0o700}, host.File{Path: path, Data: []byte(data), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		from, limit int64
		want        string
	}{{0, 100, "0123456789"}, {3, 2, "34"}, {-4, 100, "6789"}, {-4, 2, "67"}, {-99, 100, "0123456789"}, {50, 100, ""}} {
		if got, err := b.Get(ctx, path, row.from, row.limit); err != nil || string(got) != row.want {
			t.Errorf("from %d, limit %d: %q, %v", row.from, row.limit, got, err)
		}
	}
	if _, err := b.Get(ctx, path+"x", 0, 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := b.Put(ctx, host.File{Path: dir, Data: []byte("x"), Mode: 0o600}); err == nil {
		t.Error("a directory became a file")
	}
}

func portsAndPages(t *testing.T, b hostBed) {
	taken, free := b.listen(t), freePort(t)
	url := b.serve(t, "requests 7\n")
	s := b.look(t, host.Question{Ports: []int{taken, free}, Processes: true, Listening: []int{taken, free}, Pages: []string{url, "http://127.0.0.1:1/"}})
	if p := s.Ports[taken]; !p.InUse || p.Fault == "" || len(s.Listeners[taken]) != 1 {
		t.Errorf("a taken port: %+v, listeners %v", p, s.Listeners)
	}
	if p := s.Ports[free]; p.InUse || p.Fault != "" || len(s.Listeners[free]) > 0 {
		t.Errorf("a free port: %+v, listeners %v", p, s.Listeners)
	}
	if p := s.Pages[url]; p.Code != 200 || string(p.Text) != "requests 7\n" || p.Fault != "" {
		t.Errorf("a page: %+v", p)
	}
	if p := s.Pages["http://127.0.0.1:1/"]; p.Code != 0 || p.Fault == "" {
		t.Errorf("no page: %+v", p)
	}
	if s := b.look(t, host.Question{GPUs: time.Second}); len(s.GPUs.Devices) > 0 {
		t.Errorf("GPUs: %+v", s.GPUs)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
