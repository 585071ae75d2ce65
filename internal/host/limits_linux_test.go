package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/testbed"
)

// F-28: fork fails. The limit on processes binds no root, so the orchestrator is an
// ordinary user of whom nobody else has a process.
func TestF28AFullProcessTableIsAStartError(t *testing.T) {
	b := newBed(t)
	for _, dir := range []string{filepath.Dir(b.dir), b.dir} { // testing keeps its directories private
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("/proc/self/exe", "crowded", b.dir) // its own path may be root's
	c.Env, c.Dir = b.Env("PATH=/usr/bin:/bin"), "/"
	if os.Geteuid() == 0 {
		uid := uint32(1_000_000 + os.Getpid())
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	said, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{"resource temporarily unavailable", "ulimit -u", "stopped one", "left 0"} {
		if !bytes.Contains(said, []byte(want)) {
			t.Errorf("%q is missing in:\n%s", want, said)
		}
	}
	b.nothingLives()
}

// crowd starts one service, and a second one when no process more is allowed; then
// it stops what runs.
func crowd(dir string) {
	one := host.Spec{Name: "one", Argv: []string{"/bin/sleep", "60"}, Env: os.Environ(), Log: filepath.Join(dir, "one.log"), Grace: soon}
	two := one
	two.Name, two.Log = "two", filepath.Join(dir, "two.log")
	err := host.SetSubreaper()
	if err != nil {
		panic(err)
	}
	spareThreads(20)
	c, err := host.Starter{}.Start(one)
	if err != nil {
		panic(err)
	}
	if err := syscall.Setrlimit(rlimitProcesses, &syscall.Rlimit{Cur: 1, Max: 1}); err != nil {
		panic(err)
	}
	_, err = host.Starter{}.Start(two)
	fmt.Println(err)
	if err := c.Stop(context.Background()); err == nil {
		fmt.Println("stopped one")
	}
	left, err := host.Leftovers()
	fmt.Println("left", len(left), err)
}

// rlimitProcesses is RLIMIT_NPROC, which package syscall does not name.
const rlimitProcesses = 6

// spareThreads makes threads for later: a Go program that gets none when it needs
// one is ended by its runtime.
func spareThreads(n int) {
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		panic(err)
	}
	var held sync.WaitGroup
	for range n {
		held.Go(func() { _, _ = syscall.Read(ends[0], make([]byte, 1)) }) // blocks its thread
	}
	threads := func() bool {
		tasks, err := os.ReadDir("/proc/self/task")
		return err == nil && len(tasks) > n
	}
	if !testbed.Soon(soon, threads) {
		panic("no threads")
	}
	if err := syscall.Close(ends[1]); err != nil {
		panic(err)
	}
	held.Wait()
}

// A binary that is still being installed: tried again, and if that does not end, told.
func TestF28ABinaryThatIsBeingWritten(t *testing.T) {
	for _, row := range []struct {
		why    string
		closes time.Duration // after the start
		fails  bool
	}{
		{"its writer is done in a moment", 100 * time.Millisecond, false},
		{"its writer stays", time.Minute, true},
	} {
		b := newBed(t)
		program := filepath.Join(b.dir, "program")
		text, err := os.ReadFile("/bin/true")
		if err != nil {
			t.Fatal(err)
		}
		writer, err := os.OpenFile(program, os.O_WRONLY|os.O_CREATE, 0o755)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write(text); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(row.closes, func() { writer.Close() })
		spec := b.spec("svc", "sleep")
		spec.Argv = []string{program}
		_, exit, err := host.Starter{Exe: testbed.Program()}.Run(t.Context(), spec)
		if timer.Stop() {
			writer.Close()
		}
		if row.fails && (!errors.Is(err, syscall.ETXTBSY) || !strings.Contains(err.Error(), "being written")) || !row.fails && (err != nil || exit.Code != 0) {
			t.Errorf("%s: %v, %v", row.why, exit, err)
		}
		b.nothingLives()
	}
}

// F-26: children get the limit on open files that was set, not the one this process
// was started with.
func TestF26ChildrenMayOpenManyFiles(t *testing.T) {
	b := newBed(t)
	c := exec.Command("/bin/sh", "-c", `ulimit -Sn 64 && ulimit -Hn 512 && exec "$0" files "$1"`, os.Args[0], b.dir)
	c.Env = b.Env("PATH=/usr/bin:/bin")
	said, err := c.CombinedOutput()
	if got := strings.Fields(string(said)); err != nil || len(got) != 4 || strings.Join(got, " ") != "64 256 512 512" {
		t.Errorf("%q (%v), want the limit of a child as it was, with 256, and with what the system allows, and that", said, err)
	}
}

func allowFiles(dir string) {
	limit := func() string {
		text, _, err := host.Starter{}.Run(context.Background(), host.Spec{Name: "svc", Argv: []string{"/bin/sh", "-c", "ulimit -n"},
			Env: os.Environ(), Log: filepath.Join(dir, "svc.log")})
		if err != nil {
			panic(err)
		}
		return strings.TrimSpace(string(text))
	}
	before := limit()
	if _, err := host.OpenFiles(256); err != nil {
		panic(err)
	}
	some := limit()
	got, err := host.OpenFiles(1 << 20)
	if err != nil {
		panic(err)
	}
	fmt.Println(before, some, limit(), got)
}
