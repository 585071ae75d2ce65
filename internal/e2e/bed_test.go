package e2e_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/programs"
	"topobench/internal/testbed"
)

const (
	patience = 60 * time.Second // with what takes seconds; only a broken program needs it
	pause    = 20 * time.Millisecond
)

// bed is a test's place: directory, ports, programs, witness.
type bed struct {
	*testing.T
	testbed.Witness
	programs map[programs.Tool]programs.Found
	dir      string
	ports    int           // the first of 300; topobench gets 200, the test's own servers the rest
	longer   time.Duration // than patience, where real engines start
}

func newBed(t *testing.T) bed {
	t.Helper()
	b := bed{T: t, programs: realPrograms(t), dir: t.TempDir(), ports: freePorts(t)}
	b.Witness = testbed.Audit(t)
	return b
}

const topobenchPorts = 200

// freePorts is the first port of a free block of 300: below what the kernel hands
// out, and away from those of the built-in profiles and of other tests.
func freePorts(t *testing.T) int {
	t.Helper()
	for first := 19000; first < 22900; first += 300 {
		if len(taken(first, 300)) == 0 {
			return first
		}
	}
	t.Fatal("there are not 300 free ports in a row between 19000 and 22900")
	return 0
}

// taken lists the ports that cannot be bound.
func taken(first, n int) []int {
	var ports []int
	for port := first; port < first+n; port++ {
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			ports = append(ports, port)
			continue
		}
		l.Close() // nothing was accepted
	}
	return ports
}

// profile writes a profile with the test's ports for "@", and with old replaced by
// new, pair by pair. Each old must occur, or the test would test something else.
func (b bed) profile(name, text string, oldNew ...string) string {
	b.Helper()
	oldNew = append(oldNew, "@", fmt.Sprint(b.ports/100))
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			b.Fatalf("profile %s has no %q", name, oldNew[i])
		}
		text = strings.ReplaceAll(text, oldNew[i], oldNew[i+1])
	}
	path := filepath.Join(b.dir, name+".yaml")
	b.check(os.WriteFile(path, []byte(text), 0o644))
	return path
}

// disagg is testdata/disagg.yaml with that name and kind.
func (b bed) disagg(name string, oldNew ...string) string {
	b.Helper()
	return b.profile(name, b.read("testdata/disagg.yaml"), append(oldNew, "NAME", name)...)
}

func (b bed) read(path string) string {
	b.Helper()
	text, err := os.ReadFile(path)
	b.check(err)
	return string(text)
}

func (b bed) check(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// running is topobench in a process of its own.
type running struct {
	bed
	name   string
	root   string // its artifacts root
	cmd    *exec.Cmd
	before map[int]bool    // pids that are none of its
	shm    map[string]bool // what was in /dev/shm
	ended  chan struct{}
}

// start starts topobench with an artifacts root of its own.
func (b bed) start(name string, args ...string) *running {
	b.Helper()
	r := &running{bed: b, name: name, root: filepath.Join(b.dir, name), before: map[int]bool{}, shm: b.shared(), ended: make(chan struct{})}
	for _, p := range b.Living() {
		r.before[p.PID] = true
	}
	r.cmd = exec.Command(os.Args[0], append(append([]string{topobench}, args...), "--artifacts-root-dir", r.root)...)
	r.cmd.Env = b.Env(os.Environ()...)
	stdout, err := os.Create(r.root + ".out")
	b.check(err)
	defer stdout.Close()
	stderr, err := os.Create(r.root + ".err")
	b.check(err)
	defer stderr.Close()
	r.cmd.Stdout, r.cmd.Stderr = stdout, stderr
	b.check(r.cmd.Start())
	go func() {
		defer close(r.ended)
		_ = r.cmd.Wait() // its state is looked at by ends
	}()
	b.Cleanup(r.finish)
	return r
}

// finish ends topobench if it still runs, and takes over the temporary directory
// that one which was killed leaves.
func (r *running) finish() {
	_ = r.cmd.Process.Kill() // it may have ended
	<-r.ended
	runs, err := artifacts.List(r.root)
	if err != nil {
		r.Error(err)
	}
	for _, path := range runs {
		run, err := artifacts.Open(path)
		if err == nil {
			err = run.Close()
		}
		if err != nil {
			r.Error(err)
		}
	}
}

// output is what it has said so far.
func (r *running) output() string { return r.read(r.root+".out") + r.read(r.root+".err") }

// await polls while topobench runs, until ask says true.
func (r *running) await(what string, ask func() bool) {
	r.Helper()
	again := time.NewTicker(pause)
	defer again.Stop()
	over := time.After(patience + r.longer)
	for !ask() {
		select {
		case <-again.C:
		case <-r.ended:
			if !ask() { // it may have done so at its end
				r.Fatalf("%s ended before: %s\n%s", r.name, what, r.output())
			}
			return
		case <-over:
			r.Fatalf("%s: not within %v: %s\n%s", r.name, patience+r.longer, what, r.output())
		}
	}
}

func (r *running) signal(sig syscall.Signal) {
	r.Helper()
	r.check(r.cmd.Process.Signal(sig))
}

// ends waits for the end, checks the exit code and returns stdout.
func (r *running) ends(code int) string {
	r.Helper()
	select {
	case <-r.ended:
	case <-time.After(2*patience + r.longer):
		r.signal(syscall.SIGQUIT) // says where it stands
		<-r.ended
	}
	if got := r.cmd.ProcessState.ExitCode(); got != code {
		r.Fatalf("%s: exit code %d, want %d\n%s", r.name, got, code, r.output())
	}
	return r.read(r.root + ".out")
}

// path is the run's own directory.
func (r *running) path() string {
	r.Helper()
	runs, err := artifacts.List(r.root)
	r.check(err)
	if len(runs) != 1 {
		r.Fatalf("%d runs below %s, not one", len(runs), r.root)
	}
	return runs[0]
}
