//go:build hosts || engines

package e2e_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"topobench/internal/testbed"
)

// traces are what a run may leave on a machine.
type traces struct {
	processes map[int]string // command line by pid
	files     map[string]bool
	ports     map[string]bool
}

// caches stay for the next run: the binary, what the programs' versions are, and those of Dynamo and vLLM.
var caches = regexp.MustCompile(`/topobench(-\d+)?(/agent-[0-9a-f]+|/[a-z]+\.json)?$|/\.cache$|/\.cache/(dynamo|vllm)(/|$)`)

// traces returns what is on the machine now.
func (m *machine) traces() traces {
	m.Helper()
	found := traces{map[int]string{}, map[string]bool{}, map[string]bool{}}
	for _, p := range m.processes() {
		found.processes[p.pid] = p.line
	}
	for _, dir := range []string{"/tmp", "/var/tmp", "/dev/shm", "/run", "/home"} {
		for _, file := range m.files(dir) {
			if !caches.MatchString(file) {
				found.files[file] = true
			}
		}
	}
	for line := range strings.Lines(m.sh("ss -Htln")) {
		found.ports[strings.Fields(line)[3]] = true
	}
	return found
}

// launched is topobench on login.
type launched struct {
	*running
	lab    *lab
	pid    int // as login counts
	before map[*machine]traces
}

// plainBuild builds topobench as a user does: static, for every machine.
func plainBuild(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "topobench")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path, "topobench/cmd/topobench")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build topobench: %v\n%s", err, text)
	}
	return path
}

// fixture has a directory on login. Its ports are the profile's, on machines without others.
func (l *lab) fixture() fixture {
	return fixture{T: l.T, dir: l.login.path("/tmp")}
}

// start starts topobench on login, with an artifacts root of its own. Words before "topobench" are a command that
// starts it.
func (l *lab) start(name string, argv ...string) *launched {
	l.Helper()
	r := &launched{lab: l, before: map[*machine]traces{}, running: &running{fixture: l.fixture(), name: name,
		root: l.login.path("/tmp/" + name), ended: make(chan struct{})}}
	for _, m := range l.machines() {
		r.before[m] = m.traces()
	}
	at := slices.Index(argv, "topobench")
	started := append(slices.Clone(argv[:at]), "sh", "-c", "echo $$ >/tmp/"+name+".pid; exec \"$@\"", "sh")
	r.cmd = l.login.command(append(append(started, argv[at:]...), "--artifacts-root-dir", "/tmp/"+name)...)
	stdout, err := os.Create(r.root + ".out")
	r.check(err)
	defer stdout.Close()
	stderr, err := os.Create(r.root + ".err")
	r.check(err)
	defer stderr.Close()
	r.cmd.Stdout, r.cmd.Stderr = stdout, stderr
	r.check(r.cmd.Start())
	go func() {
		defer close(r.ended)
		_ = r.cmd.Wait() // ends reads its state
	}()
	l.Cleanup(func() {
		_ = r.cmd.Process.Kill() // it may have ended
		<-r.ended
		if l.Failed() {
			l.Logf("%s prints:\n%s", name, r.output())
		}
	})
	r.await("it has started", func() bool {
		text, _ := os.ReadFile(r.root + ".pid")
		r.pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return r.pid != 0
	})
	return r
}

// kills sends a signal to topobench.
func (r *launched) kills(signal string) {
	r.Helper()
	r.lab.login.sh("kill -%s %d", signal, r.pid)
}

// audit checks that nothing of the run is left on any machine within limit, beside its artifacts on login.
func (r *launched) audit(limit time.Duration) {
	r.Helper()
	var left []string
	if testbed.Soon(limit, func() bool { left = r.left(); return len(left) == 0 }) {
		return
	}
	r.Errorf("%s: left behind after %v:\n%s", r.name, limit, strings.Join(left, "\n"))
}

// left has a line for each thing that came to a machine after topobench began.
func (r *launched) left() []string {
	r.Helper()
	var left []string
	for _, m := range r.lab.machines() {
		left = append(left, r.leftOn(m)...)
	}
	return left
}

// leftOn is left of one machine.
func (r *launched) leftOn(m *machine) (left []string) {
	r.Helper()
	before, now := r.before[m], m.traces()
	for _, pid := range slices.Sorted(maps.Keys(now.processes)) {
		if before.processes[pid] == "" {
			left = append(left, fmt.Sprintf("%s: process %d: %s", m.name, pid, now.processes[pid]))
		}
	}
	for _, file := range slices.Sorted(maps.Keys(now.files)) {
		artifacts := m == r.lab.login && strings.HasPrefix(file, "/tmp/") && !strings.HasPrefix(file, "/tmp/topobench")
		if !before.files[file] && !artifacts {
			left = append(left, m.name+": file "+file)
		}
	}
	for _, port := range slices.Sorted(maps.Keys(now.ports)) {
		if !before.ports[port] {
			left = append(left, m.name+": port "+port)
		}
	}
	return left
}
