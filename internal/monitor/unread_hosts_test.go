package monitor

import (
	"errors"
	"strings"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/testbed"
	"topobench/internal/verdict"
)

// listings are answers to the question for processes, one a call.
type listings []struct {
	listener int // on the port of the second of two services
	err      error
}

func (l *listings) next() ([]host.ServiceProcesses, error) {
	now := (*l)[0]
	*l = (*l)[1:]
	all := []host.ServiceProcesses{{Service: "a", Host: "node0", Port: 1, Listener: proc.Proc{PID: 1}}}
	if now.err == nil {
		all = append(all, host.ServiceProcesses{Service: "b", Host: "node1", Port: 2, Listener: proc.Proc{PID: now.listener}})
	}
	return all, now.err
}

// A host that does not list its processes may have a restarted service: the cell is not checked, and the next one is
// compared with the last list.
func TestAHostThatListsNothing(t *testing.T) {
	lost := errors.New("node1: no answer")
	for _, row := range []struct {
		why    string
		calls  listings // before the first cell, after it, after the second one
		states [2]verdict.State
	}{
		{"it answers", listings{{7, nil}, {7, nil}, {7, nil}}, [2]verdict.State{"", ""}},
		{"after a cell", listings{{7, nil}, {0, lost}, {7, nil}}, [2]verdict.State{verdict.Unchecked, ""}},
		{"before the first cell", listings{{0, lost}, {7, nil}, {7, nil}}, [2]verdict.State{verdict.Unchecked, ""}},
		{"a restart meanwhile", listings{{7, nil}, {0, lost}, {8, nil}}, [2]verdict.State{verdict.Unchecked, verdict.Invalid}},
	} {
		var f fake
		targets := f.targets(plan.Plan{Services: []plan.Service{{Name: "a", Host: "node0"}, {Name: "b", Host: "node1"}}})
		targets.Processes = row.calls.next
		m := New(targets)
		_, _ = m.Processes() // a test of its error
		for i, want := range row.states {
			w, err := m.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			e, err := w.Stop(t.Context())
			if c := detail(t, e, verdict.Restarted); c.State != want || want == verdict.Unchecked && !strings.Contains(c.Detail, "node1") {
				t.Errorf("%s: cell %d: %+v, %v", row.why, i+1, c, err)
			}
		}
	}
}

// An nginx whose log cannot be read may have stopped using a server.
func TestNginxOnAHostThatDoesNotAnswer(t *testing.T) {
	for why, lose := range map[string]func(b *twoHosts) func(){
		"before the cell": func(b *twoHosts) func() {
			b.node0.Fault = errors.New("lost the connection")
			return func() { b.node0.Change(func() { b.node0.Fault = nil }) }
		},
		"in the cell": func(b *twoHosts) func() {
			return func() { b.node0.Change(func() { b.node0.Fault = errors.New("lost the connection") }) }
		},
	} {
		b := newTwoHosts()
		if err := b.node0.Put(t.Context(), host.File{Path: "/nginx.log"}); err != nil {
			t.Fatal(err)
		}
		change := lose(b)
		e := b.cell(t, func(*Watch) { change() })
		for name, want := range map[verdict.CheckName]verdict.State{verdict.Ejected: verdict.Unchecked, verdict.Nginx: verdict.NotMade} {
			if c := detail(t, e, name); c.State != want || !strings.Contains(c.Detail, "node0: lost the connection") {
				t.Errorf("%s: %s: %+v", why, name, c)
			}
		}
	}
	b := newTwoHosts()
	if err := b.node0.Put(t.Context(), host.File{Path: "/nginx.log"}); err != nil {
		t.Fatal(err)
	}
	if c := detail(t, b.cell(t, func(*Watch) {}), verdict.Ejected); c.State != "" {
		t.Errorf("an empty log: %+v", c)
	}
}

// The CPU use of an nginx on a host that did not answer during half of the load is not known.
func TestCPUOfNginxOnAHostThatDoesNotAnswer(t *testing.T) {
	at := func(s int, cpu time.Duration) proc.Load {
		return proc.Load{At: time.Unix(int64(1000+s), 0), CPU: cpu, Procs: []proc.Proc{{PID: 7, CPU: cpu}}}
	}
	tree := func(s int) proc.Load { return proc.Load{At: time.Unix(int64(s), 0), Limit: proc.CPULimit{CPUs: 4}} }
	for _, row := range []struct {
		why         string
		first, last proc.Load
		want        verdict.State
	}{
		{"it answers", at(0, 0), at(10, time.Second), ""},
		{"it is the limit", at(0, 0), at(10, 10*time.Second), verdict.Note},
		{"not any more", at(0, 0), at(3, time.Second), verdict.NotMade},
		{"not at the start", proc.Load{}, at(10, 100*time.Second), verdict.NotMade},
	} {
		c := &clientSampler{away: &awayNginx{name: "node0"}, base: reading{tree(1), row.first}, last: reading{tree(11), row.last}}
		check := detail(t, verdict.Evidence{Client: c.evidence()}, verdict.ClientCPU)
		if check.State != row.want || row.want != "" && !strings.Contains(check.Detail, "nginx on node0") {
			t.Errorf("%s: %+v", row.why, check)
		}
	}
}

// A host that does not answer delays neither the progress of aiperf, with which a reading is made, nor that reading.
func TestAHostThatDoesNotAnswerDelaysNoReading(t *testing.T) {
	t.Parallel()
	here := &testbed.Scripted{Trees: map[int]proc.Load{1: {CPU: time.Second, Procs: []proc.Proc{{PID: 1}}}}}
	c := newClientSampler(here, proc.Load{Procs: []proc.Proc{{PID: 7}}})
	c.away = &awayNginx{"node0", &testbed.Scripted{Late: time.Minute}}
	began := time.Now()
	c.follow(t.Context(), 1)
	if took := time.Since(began); took > 20*time.Second || c.base.tree.CPU != time.Second {
		t.Errorf("after %v: %+v", took, c.base)
	}
}
