package host_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"topobench/internal/host"
	"topobench/internal/testbed"
)

func TestStartErrorTellsTheCause(t *testing.T) {
	b := newBed(t)
	plain := filepath.Join(b.dir, "plain")
	if err := os.WriteFile(plain, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		why  string
		argv []string
		dir  string
		want error
	}{
		{"the binary is missing", []string{"/nowhere/vllm"}, "", fs.ErrNotExist},
		{"the file may not be executed", []string{plain}, "", fs.ErrPermission},
		{"the name is not in PATH", []string{"no-such-program-here"}, "", nil},
		{"the working directory is missing", []string{"/bin/true"}, "/nowhere", fs.ErrNotExist},
		{"there is no command", nil, "", nil},
	} {
		spec := b.spec("decode-0", "sleep")
		spec.Argv, spec.Dir = row.argv, row.dir
		begin := time.Now()
		c, err := host.Starter{Exe: testbed.Program()}.Start(spec)
		var failed *host.StartError
		if !errors.As(err, &failed) || c != nil {
			t.Errorf("%s: got %v, want a StartError", row.why, err)
			continue
		}
		if row.want != nil && !errors.Is(err, row.want) {
			t.Errorf("%s: %v does not match %v", row.why, err, row.want)
		}
		if !strings.HasPrefix(err.Error(), "cannot start decode-0: ") {
			t.Errorf("%s: %v", row.why, err)
		}
		if took := time.Since(begin); took > soon/2 {
			t.Errorf("%s: took %v", row.why, took)
		}
	}
	b.nothingLives()
}

func TestStartErrorOfABrokenShepherd(t *testing.T) {
	b := newBed(t)
	for _, exe := range []string{"/nowhere/topobench", "/bin/true"} {
		_, err := host.Starter{Exe: exe}.Start(b.spec("svc", "sleep"))
		if err == nil || !strings.Contains(err.Error(), "shepherd") {
			t.Errorf("%s: got %v, want the shepherd named", exe, err)
		}
	}
}

// A shepherd that says nothing may have started something all the same.
func TestAShepherdWithoutAWordLeavesNothing(t *testing.T) {
	b := newBed(t)
	spec := b.spec("svc", "sleep")
	spec.Env = b.Env("PATH=/usr/bin:/bin")
	// Its child has none of the shepherd's descriptors, as is usual.
	mute := host.Starter{Exe: "/bin/sh", Args: []string{"-c", "setsid sleep 60 3>&- 4>&- & sleep 0.2; echo bye"}}
	_, err := mute.Start(spec)
	if err == nil || !strings.Contains(err.Error(), "without a report") || !strings.Contains(b.log("svc"), "bye") {
		t.Errorf("got %v, and its log %q", err, b.log("svc"))
	}
	b.nothingLives()
}

// The child must not see what the shepherd needs for itself: signals held back,
// descriptors, nice value, environment.
func TestTheChildStartsClean(t *testing.T) {
	b := newBed(t)
	spec := b.spec("svc", "sleep")
	spec.Argv = []string{"/bin/sh", "-c", "cat /proc/self/status; env; pwd; nice; exec sleep 60"}
	spec.Env = b.Env("PATH=/usr/bin:/bin", "COLOUR=blue")
	spec.Dir, spec.Nice = b.dir, 3
	// A descriptor that this process has from its own parent.
	stray, err := syscall.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(stray)

	c := b.start(spec, "\n3\n")
	log := b.log("svc")
	for _, want := range []string{ignored(t), "SigBlk:\t0000000000000000", "COLOUR=blue", "\n" + b.dir + "\n"} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is missing in %s", want, log)
		}
	}
	if strings.Contains(log, "HOME=") {
		t.Error("our environment reached the child")
	}
	var files []string
	// Not at once: while it starts, sleep itself has its libraries open.
	if !testbed.Soon(soon, func() bool {
		files, _ = filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", c.PID()))
		return len(files) == 3
	}) {
		t.Errorf("the child has %v, want 0, 1, 2", files)
	}
}

// A nice value holds against processes of other sessions too, where Linux divides the CPU among sessions.
func TestANiceChildHasANiceSession(t *testing.T) {
	b := newBed(t)
	spec := b.spec("svc", "sleep")
	spec.Nice = 7
	c, err := host.Starter{Exe: testbed.Program(), Sessions: true}.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Force(); _ = c.Stop(context.Background()) })
	if sid, err := unix.Getsid(c.PID()); err != nil || sid != c.PID() {
		t.Errorf("session %d, %v; want its own, %d", sid, err, c.PID())
	}
	group, err := os.ReadFile(fmt.Sprintf("/proc/%d/autogroup", c.PID()))
	if err != nil {
		t.Skipf("this kernel does not divide the CPU among sessions: %v", err)
	}
	if !strings.HasSuffix(string(group), " nice 7\n") {
		t.Errorf("its session is %s", group)
	}
}

// ignored is the line of /proc about the signals that this process ignores: those
// that its own parent did. A child may ignore no others.
func ignored(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "SigIgn:") {
			return line
		}
	}
	t.Fatal("/proc/self/status has no SigIgn")
	return ""
}

func TestNilEnvIsAnEmptyEnvironment(t *testing.T) {
	b := newBed(t)
	spec := b.spec("svc", "sleep")
	spec.Argv, spec.Env = []string{"/usr/bin/env"}, nil
	b.done(b.start(spec))
	if log := b.log("svc"); log != "" {
		t.Errorf("the child inherited %q", log)
	}
}

func TestTheLogIsPrivateAppendedAndInOrder(t *testing.T) {
	b := newBed(t)
	spec := b.spec("svc", "sleep")
	spec.Argv = []string{"/bin/sh", "-c", "echo out; echo err >&2; echo out"}
	for range 2 {
		b.done(b.start(spec))
	}
	if got, want := b.log("svc"), strings.Repeat("out\nerr\nout\n", 2); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	info, err := os.Stat(spec.Log)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestInterruptReachesTheChildAlone(t *testing.T) {
	b := newBed(t)
	spec := b.spec("aiperf", "interrupted")
	c := b.start(spec, "leader ready", "child ready")
	if err := c.Interrupt(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	exit := b.done(c)
	if exit.Code != 3 || !exit.Stopped || exit.String() != "stopped with exit 3" {
		t.Errorf("got %v (%+v)", exit, exit)
	}
	b.stop(c)
	if log := b.log("aiperf"); !strings.Contains(log, "leader interrupted") || strings.Contains(log, "child interrupted") {
		t.Errorf("log: %q", log)
	}
	if err := c.Interrupt(syscall.SIGINT); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("interrupting the dead: %v", err)
	}
}
