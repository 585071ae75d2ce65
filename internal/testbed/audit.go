package testbed

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cookieKey is the environment variable by which a test's children are known.
const cookieKey = "TESTBED_COOKIE"

// Witness sees what a test has started.
type Witness struct{ cookie string }

// Audit watches the test: at its end no descendant of the test process, and no
// process with the witness's cookie, may be alive.
func Audit(t testing.TB) Witness {
	t.Helper()
	w := Witness{fmt.Sprintf("%s=%d-%s-%d", cookieKey, os.Getpid(), t.Name(), time.Now().UnixNano())}
	t.Cleanup(func() {
		t.Helper()
		// A killed process takes a moment to leave.
		if Soon(time.Second, func() bool { return len(w.Living()) == 0 }) {
			return
		}
		for _, p := range w.Living() {
			t.Errorf("left behind: %v", p)
			if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
				t.Errorf("cannot end it: %v", err)
			}
		}
	})
	return w
}

// Env is the environment that marks a child as this test's. A child built with
// the race detector would sleep for a second before it exits; GORACE forbids it.
func (w Witness) Env(more ...string) []string {
	return append(more, w.cookie, "GORACE=atexit_sleep_ms=0")
}

// Seen is one process as the witness saw it.
type Seen struct {
	PID, PPID int
	State     string
	Threads   int
	Comm      string
	marked    bool
}

func (s Seen) String() string {
	return fmt.Sprintf("pid %d (%s), state %s, parent %d", s.PID, s.Comm, s.State, s.PPID)
}

// Living returns the living processes that descend from the test process or
// carry the cookie.
func (w Witness) Living() []Seen {
	all := snapshot(w.cookie)
	var living []Seen
	for _, s := range all {
		if !s.dead() && s.PID != os.Getpid() && (s.marked || descends(all, s)) {
			living = append(living, s)
		}
	}
	return living
}

// snapshot is every process of this machine, marked if its environment holds mark.
func snapshot(mark string) map[int]Seen {
	all := map[int]Seen{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	for _, path := range stats {
		if s, ok := see(path, mark); ok {
			all[s.PID] = s
		}
	}
	return all
}

// dead: a zombie with other threads still runs.
func (s Seen) dead() bool { return s.State == "X" || (s.State == "Z" && s.Threads < 2) }

func see(path, cookie string) (Seen, bool) {
	stat, err := os.ReadFile(path)
	if err != nil {
		return Seen{}, false
	}
	environ, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "environ")) // another user's is closed to us
	end := bytes.LastIndexByte(stat, ')')
	words := strings.Fields(string(stat[end+1:]))
	pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
	ppid, _ := strconv.Atoi(words[1])
	threads, _ := strconv.Atoi(words[17])
	return Seen{
		PID: pid, PPID: ppid, State: words[0], Threads: threads,
		Comm:   string(stat[bytes.IndexByte(stat, '(')+1 : end]),
		marked: bytes.Contains(environ, []byte(cookie)),
	}, true
}

func descends(all map[int]Seen, s Seen) bool {
	for range all {
		if s.PPID == os.Getpid() {
			return true
		}
		s = all[s.PPID]
	}
	return false
}
