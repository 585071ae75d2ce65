package testbed

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cookieKey is the environment variable by which a test's children are known.
const cookieKey = "TESTBED_COOKIE"

// Tracker finds what a test has started.
type Tracker struct{ cookie string }

// Audit watches the test: at its end no descendant of the test process, and no
// process with the tracker's cookie, may be alive.
func Audit(t testing.TB) Tracker {
	t.Helper()
	tracker := Tracker{fmt.Sprintf("%s=%d-%s-%d", cookieKey, os.Getpid(), t.Name(), time.Now().UnixNano())}
	t.Cleanup(func() {
		t.Helper()
		// A killed process takes a moment to leave.
		if Soon(time.Second, func() bool { return len(tracker.Living()) == 0 }) {
			return
		}
		for _, p := range tracker.Living() {
			t.Errorf("left behind: %v", p)
			if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
				t.Errorf("cannot end it: %v", err)
			}
		}
	})
	return tracker
}

// Env is the environment that marks a child as this test's. A test binary as a child
// would sleep for a second before it exits, for the race detector; GORACE forbids it.
func (t Tracker) Env(more ...string) []string {
	return append(more, t.cookie, "GORACE=atexit_sleep_ms=0", ProgramKey+"="+Program())
}

// Seen is one process of a look at /proc.
type Seen struct {
	PID, PPID int
	State     string
	Threads   int
	Comm      string
	marked    bool
	cookie    string // a test's, or ""
	exiting   bool   // it has no memory any more
}

func (s Seen) String() string {
	return fmt.Sprintf("pid %d (%s), state %s, parent %d", s.PID, s.Comm, s.State, s.PPID)
}

// Living returns the living processes that carry the cookie, and those that descend from
// the test process and not from what another test has started.
func (t Tracker) Living() []Seen {
	all := snapshot(t.cookie)
	var living []Seen
	for _, s := range all {
		if !s.dead() && s.PID != os.Getpid() && (s.marked || t.owns(all, s)) {
			living = append(living, s)
		}
	}
	return living
}

// owns follows the parents of a process up to the test process. The first cookie on that way
// decides which test owns it: a program may erase its own cookie, and its ancestors keep theirs.
// A process without any cookie got away from its parents, and counts for every test that runs. A
// process that exits has lost its cookie with its memory, and does no harm.
func (t Tracker) owns(all map[int]Seen, s Seen) bool {
	if s.exiting {
		return false
	}
	for p := range ancestry(all, s) {
		if p.PID == os.Getpid() {
			return true
		}
		if p.cookie != "" && p.cookie != t.cookie {
			return false
		}
	}
	return false
}

// ancestry is a process, its parent, and so on. A look at /proc is no snapshot: its parents may
// form a circle.
func ancestry(all map[int]Seen, s Seen) iter.Seq[Seen] {
	return func(yield func(Seen) bool) {
		for range all {
			if !yield(s) {
				return
			}
			s = all[s.PPID]
		}
	}
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

// Carriers are the living processes with mark in their environment.
func Carriers(mark string) []Seen {
	all := slices.Collect(maps.Values(snapshot(mark)))
	return slices.DeleteFunc(all, func(s Seen) bool { return s.dead() || !s.marked })
}

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
		Comm:    string(stat[bytes.IndexByte(stat, '(')+1 : end]),
		marked:  bytes.Contains(environ, []byte(cookie)),
		cookie:  cookieOf(environ),
		exiting: words[20] == "0" && threads < 2, // another thread still has the memory
	}, true
}

// cookieOf is a test's cookie in an environment, "" without one.
func cookieOf(environ []byte) string {
	for variable := range bytes.SplitSeq(environ, []byte{0}) {
		if bytes.HasPrefix(variable, []byte(cookieKey+"=")) {
			return string(variable)
		}
	}
	return ""
}
