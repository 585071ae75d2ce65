package aiperf

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

// bed runs shell scripts as aiperf.
type bed struct {
	testing.TB
	testbed.Tracker
	dir string
}

func newBed(t testing.TB) bed { return bed{t, testbed.Audit(t), t.TempDir()} }

// job is a cell whose aiperf is a script, in which "child HABIT" starts a child of the testbed.
func (b bed) job(script string) Job {
	b.Helper()
	path := filepath.Join(b.dir, "aiperf")
	text := fmt.Sprintf("#!/bin/sh\nchild() { '%s' child \"$@\"; }\n%s\n", testbed.Program(), script)
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		b.Fatal(err)
	}
	now, cancel := context.WithCancel(context.Background())
	cancel()
	return Job{Name: "aiperf-c1", Load: Load{AIPerf: path, Timeout: time.Minute}, Concurrency: 1, Dir: b.dir,
		Log: filepath.Join(b.dir, "log"), Env: append(os.Environ(), b.Env()...), Progress: func(Progress) {}, Force: now}
}

// run runs a job to its end, and fails the test if a process of it is alive then.
func (b bed) run(ctx context.Context, j Job) Outcome {
	b.Helper()
	o, err := Run(ctx, host.Local{Starter: host.Starter{Exe: testbed.Program()}}, j)
	if err != nil {
		b.Fatal(err)
	}
	if left := b.Living(); len(left) > 0 {
		b.Errorf("the next cell would start beside %v", left)
	}
	return o
}

// Run returns only when the process tree is gone, so the next cell cannot start earlier.
func TestF43NothingOfAIPerfOutlivesItsCell(t *testing.T) {
	for why, script := range map[string]string{
		"a stubborn child in a session of its own": "child escape",
		"a child in its group":                     "child abandon",
		"a child without an environment":           "child envless & exit 3",
	} {
		b := newBed(t)
		if o := b.run(t.Context(), b.job(script)); o.Problem != "" && !strings.Contains(script, "exit 3") {
			t.Errorf("%s: %+v", why, o)
		}
	}
}

// aiperf handles SIGINT only, and only its first process may get it: its services would end
// at once.
func TestF50InterruptIsForTheFirstProcess(t *testing.T) {
	b := newBed(t)
	j := b.job("exec '" + testbed.Program() + "' child interrupted")
	j.Force = t.Context()
	said := func(words string) bool {
		text, err := os.ReadFile(j.Log)
		return err == nil && strings.Contains(string(text), words)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		testbed.Soon(10*time.Second, func() bool { return said("leader ready") && said("child ready") })
		cancel(errors.New("enough"))
	}()
	if o := b.run(ctx, j); o.Problem != "enough" || o.Exit.Code != 3 {
		t.Errorf("got %+v", o)
	}
	if !said("leader interrupted") || said("child interrupted") {
		text, err := os.ReadFile(j.Log)
		t.Errorf("got the log %s, %v", text, err)
	}
}

func TestF42HangEndsAtTheDeadline(t *testing.T) {
	b := newBed(t)
	j := b.job("child stubborn")
	j.Load.Timeout = 300 * time.Millisecond
	if o := b.run(t.Context(), j); o.Problem != "aiperf had not ended after 300ms" || o.Stalled {
		t.Errorf("got %+v", o)
	}
}

const record = `{"metadata":{"benchmark_phase":"profiling"}}`

func TestF31StalledLoadIsEnded(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	j := b.job("echo '" + record + "' > profile_export.jsonl; child sleep")
	j.Load.Progress = 400 * time.Millisecond
	o := b.run(t.Context(), j)
	if !o.Stalled || o.Problem != "stalled: no request has completed for 400ms (1 of 10 had)" {
		t.Errorf("got %+v", o)
	}
}

// aiperf 0.1.1 writes no record file, so only the deadline applies, also after a measured cell.
func TestF31WithoutRecordsOnlyTheDeadlineApplies(t *testing.T) {
	b := newBed(t)
	j := b.job("child sleep")
	j.Load.Progress, j.Load.Timeout = time.Millisecond, 600*time.Millisecond
	j.Previous = Previous{Concurrency: 1, Longest: time.Millisecond}
	if o := b.run(t.Context(), j); o.Stalled || o.Problem != "aiperf had not ended after 600ms" {
		t.Errorf("got %+v", o)
	}
}

func TestF31Stall(t *testing.T) {
	began := time.Unix(0, 0)
	limits := Limits{Records: 5 * time.Second, First: 10 * time.Second, Next: 3 * time.Second}
	silent := limits
	silent.Records = 0
	for _, sequence := range []struct {
		name   string
		limits Limits
		steps  []step
	}{
		{"the first cell, or an aiperf without a record file", silent, []step{
			{"no file yet", 9, Progress{}, ""},
			{"still none: only the deadline holds", 20, Progress{}, ""},
			{"the file is there, aiperf had its time to start", 21, Progress{Asked: 10}, "requests"},
			{"a warm-up request", 22, Progress{Warm: 1, Asked: 10}, ""},
			{"three seconds later", 25, Progress{Warm: 1, Asked: 10}, ""},
			{"four seconds later", 26, Progress{Warm: 1, Asked: 10}, "requests"},
			{"it goes on", 27, Progress{Warm: 1, Done: 1, Asked: 10}, ""},
			{"all are in: aiperf writes its results", 28, Progress{Warm: 1, Done: 10, Asked: 10}, ""},
			{"for as long as it likes", 99, Progress{Warm: 1, Done: 10, Asked: 10}, ""},
		}},
		{"a later cell", limits, []step{
			{"no file yet", 5, Progress{}, ""},
			{"aiperf creates its file while it starts: it hangs", 6, Progress{}, "aiperf"},
			{"a late file", 7, Progress{Asked: 10}, ""},
			{"an empty file has the time of a first request", 10, Progress{Asked: 10}, ""},
			{"and no more", 11, Progress{Asked: 10}, "requests"},
		}},
	} {
		s := newStall(sequence.limits, began)
		for _, step := range sequence.steps {
			why, server := s.check(step.p, began.Add(time.Duration(step.second)*time.Second))
			got := map[bool]string{true: "requests", false: "aiperf"}[server]
			if why == "" {
				got = ""
			}
			if got != step.hangs {
				t.Errorf("%s, %s: %q, want %q", sequence.name, step.why, why, step.hangs)
			}
		}
	}
}

// step is a check of a cell; hangs is "", "aiperf" or "requests".
type step struct {
	why    string
	second int
	p      Progress
	hangs  string
}

// Outcome.Unseen is the longest time in which Run did not check the cell.
func TestF52UnseenTimeIsMeasured(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	j := b.job("child sleep")
	j.Load.Timeout = 3 * progressEvery
	slow := true
	j.Progress = func(Progress) {
		if slow {
			slow = testbed.Soon(2*progressEvery, func() bool { return false })
		}
	}
	if o := b.run(t.Context(), j); o.Unseen.For < progressEvery/2 || o.Unseen.For > 5*time.Second {
		t.Errorf("unseen for %s", o.Unseen.For)
	}
}
