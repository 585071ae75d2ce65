package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/run"
	"topobench/internal/verdict"
)

func TestTheNumberOfRounds(t *testing.T) {
	for n, ok := range map[int]bool{-1: false, 0: false, 1: true, 99: true, 100: false} {
		if err := (roundFlags{n}).check(); (err == nil) != ok {
			t.Errorf("%d: %v", n, err)
		}
	}
	if (roundFlags{4}).launches([]string{"a", "b"}) != 4 || (roundFlags{4}).launches([]string{"a", "a"}) != 8 {
		t.Error("an A/A measurement launches its profile twice a round")
	}
	for _, row := range []struct {
		rounds, topologies int
		noted              bool
	}{{1, 2, false}, {2, 2, false}, {3, 2, true}, {3, 1, false}, {5, 3, true}} {
		if got := len(roundFlags{row.rounds}.note(row.topologies)) > 0; got != row.noted {
			t.Errorf("%+v: a note is %t", row, got)
		}
	}
}

func TestAProfileGivenTwice(t *testing.T) {
	for args, ok := range map[string]bool{"a": true, "a b": true, "a a": true, "a a b": false, "a a a": false, "a b a b": false} {
		if err := checkTwice(strings.Fields(args)); (err == nil) != ok {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func preflighted(names ...string) (all []preflight.Topology) {
	for _, name := range names {
		all = append(all, preflight.Topology{Profile: profile.Profile{Name: name}, Plan: plan.Plan{Name: name}})
	}
	return all
}

func TestLaunchesThatTheRunDidNotComeTo(t *testing.T) {
	launch := func(name string, round, rounds int) run.Topology {
		return run.Topology{Name: name, Repeat: round, Rounds: rounds}
	}
	for _, row := range []struct {
		why      string
		launched []run.Topology
		want     []string
	}{
		{"all", []run.Topology{launch("a", 1, 1), launch("b", 1, 1)}, nil},
		{"the second is missing", []run.Topology{launch("a", 1, 1)}, []string{"b: not started"}},
		{"in the second of three rounds", []run.Topology{launch("a", 1, 3), launch("b", 1, 3), launch("b", 2, 3)},
			[]string{"a: not launched: round 2,3", "b: not launched: round 3"}},
		{"an unknown number of rounds", []run.Topology{launch("a", 1, 0), launch("b", 1, 0)}, nil},
	} {
		if got := unreached(preflighted("a", "b"), row.launched); !slices.Equal(got, row.want) {
			t.Errorf("%s: %q", row.why, got)
		}
	}
}

// A topology that was measured in some round is partial, and only one that never was did not start. The next command
// has all profiles: one side alone would have no round to be paired with.
func TestOutcomeOverRounds(t *testing.T) {
	valid := run.Cell{Verdict: verdict.Verdict{State: verdict.Valid}}
	valid.Concurrency = 1
	launch := func(name string, round int, err error, cells ...run.Cell) run.Topology {
		return run.Topology{Name: name, Repeat: round, Rounds: 2, Asked: []int{1}, Err: err, Cells: cells}
	}
	died := errors.New("died")
	c := runCmd{Profiles: []string{"a.yaml", "b.yaml"}}
	env := &Env{Args: strings.Fields("run a.yaml b.yaml --repeats 2")}
	runner, err := run.New(run.Options{Root: t.TempDir(), Temp: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(runner.Journal.Close(), runner.Dir.Close()); err != nil {
			t.Error(err)
		}
	})
	s := &session{Runner: runner, topologies: preflighted("a", "b")}
	again, goOn := "run a.yaml b.yaml --repeats 2", "run --resume --artifacts-root-dir "+runner.Dir.Root()
	for _, row := range []struct {
		why      string
		launched []run.Topology
		code     int
		first    string
		next     string
	}{
		{"all is well", []run.Topology{launch("a", 1, nil, valid), launch("b", 1, nil, valid), launch("b", 2, nil, valid), launch("a", 2, nil, valid)}, codeOK, "", ""},
		{"one launch did not come up", []run.Topology{launch("a", 1, nil, valid), launch("b", 1, nil, valid), launch("b", 2, died), launch("a", 2, nil, valid)},
			codePartial, "b (round 2) failed: died |", goOn},
		{"a failure in two rounds", []run.Topology{launch("a", 1, nil, valid), launch("b", 1, died), launch("b", 2, nil, valid), launch("a", 2, died)},
			codePartial, "b (round 1) failed: died (also failed: a (round 2)) |", goOn},
		{"one came up in no round", []run.Topology{launch("a", 1, died), launch("b", 1, nil, valid), launch("b", 2, nil, valid)},
			codeNotUp, "a (round 1) failed: died |", again},
	} {
		err := c.outcome(env, s, row.launched)
		if code := exitCode(err); code != row.code {
			t.Errorf("%s: exit code %d, want %d", row.why, code, row.code)
		}
		if err == nil {
			continue
		}
		last := err.(*reportedError).last
		if !strings.HasPrefix(last, row.first) || !strings.HasSuffix(last, "| next: topobench "+row.next) {
			t.Errorf("%s: %s", row.why, last)
		}
	}
}
