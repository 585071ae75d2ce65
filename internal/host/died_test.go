package host_test

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"

	"topobench/internal/host"
)

// died is the error of a child that ended by itself, made from the end of its log.
func died(spec host.Spec, c *host.Child) *host.DiedError {
	end, err := host.Local{}.Get(context.Background(), spec.Log, -host.LogEnd, host.LogEnd)
	return host.Died(spec, c.Exit(), end, err)
}

func TestF02ExitZeroIsAnEnd(t *testing.T) {
	b := newBed(t)
	c := b.start(b.spec("frontend", "exit", "0"))
	exit := b.done(c)
	if exit.Code != 0 || exit.Signal != 0 || exit.Stopped || exit.String() != "exit 0" {
		t.Errorf("got %v (%+v)", exit, exit)
	}
}

func TestF01DiedShowsTheEndOfTheLog(t *testing.T) {
	b := newBed(t)
	spec := b.spec("decode-0", "sleep")
	spec.Argv = []string{"/bin/sh", "-c", "seq 100; printf '\\033[31mout of memory\\033[0m'; exit 3"}
	c := b.start(spec)
	b.done(c)
	lines := strings.Split(died(spec, c).Error(), "\n")
	if got, want := lines[0], "decode-0 died: exit 3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := lines[1], "  last lines of "+spec.Log+":"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := lines[2:]; len(got) != 20 || got[0] != "    82" || got[19] != "    out of memory" {
		t.Errorf("got %q", got)
	}
}

// An unreadable log is not an empty one.
func TestDiedTellsAnUnreadableLogFromAnEmptyOne(t *testing.T) {
	b := newBed(t)
	for _, row := range []struct {
		why    string
		before func(log string) error
		want   string
	}{
		{"an empty log", func(string) error { return nil }, "nothing in "},
		{"a removed log", os.Remove, "cannot read its log: "},
	} {
		spec := b.spec("decode-0", "sleep")
		spec.Argv, spec.Log = []string{"/bin/sh", "-c", "exit 3"}, spec.Log+row.why
		c := b.start(spec)
		b.done(c)
		if err := row.before(spec.Log); err != nil {
			t.Fatal(err)
		}
		e := died(spec, c)
		if got := e.Error(); !strings.Contains(got, "\n  "+row.want) {
			t.Errorf("%s: %q", row.why, got)
		}
	}
}

// The hint stands behind the lines that it is about, though it reads further up.
func TestDiedSaysWhatToDoNext(t *testing.T) {
	b := newBed(t)
	for end, want := range map[string]bool{"exit 1": true, "kill -9 $$": false} {
		spec := b.spec("decode-0", "sleep")
		spec.Log += end
		spec.Argv = []string{"/bin/sh", "-c", "echo 'error: unrecognized arguments: --nonsense'; seq 30; " + end}
		c := b.start(spec)
		b.done(c)
		if said := died(spec, c).Error(); strings.HasSuffix(said, "    30\n  "+died(spec, c).Hint) != want || strings.Contains(said, "engine_args") != want {
			t.Errorf("after %q, want a hint %t:\n%s", end, want, said)
		}
	}
}

func TestF04KilledByAnotherIsSaid(t *testing.T) {
	b := newBed(t)
	spec := b.spec("decode-0", "crash", "9")
	c := b.start(spec)
	b.done(c)
	if got, want := died(spec, c).Error(), "decode-0 died: killed by signal 9 (not by topobench)\n"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q first", got, want)
	}
}

// What a dead service leaves has no grace: it would hold the GPU.
func TestALeaderThatEndsTakesItsTreeAlong(t *testing.T) {
	b := newBed(t)
	c := b.start(b.spec("svc", "abandon"))
	if exit := b.done(c); exit.Code != 0 || exit.Stopped {
		t.Errorf("got %+v", exit)
	}
	if took := b.stop(c); took > soon/2 {
		t.Errorf("took %v: what it left had a grace", took)
	}
	if killed := c.Exit().Killed; killed != 1 {
		t.Errorf("killed %d, want 1", killed)
	}
}

func TestZombiesOfTheChildAreNoTrouble(t *testing.T) {
	b := newBed(t)
	c := b.start(b.spec("svc", "zombies", "20"), "ready")
	if took := b.stop(c); took > soon/2 {
		t.Errorf("took %v", took)
	}
	if exit := c.Exit(); exit.Signal != syscall.SIGTERM {
		t.Errorf("got %+v", exit)
	}
}
