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

// cookieKey is the environment variable that identifies a test's children.
const cookieKey = "TESTBED_COOKIE"

// Tracker finds the processes that a test has started.
type Tracker struct{ cookie string }

// Audit fails the test if, at its end, a descendant of the test process or a process with
// the tracker's cookie is alive.
func Audit(t testing.TB) Tracker {
	t.Helper()
	tracker := Tracker{fmt.Sprintf("%s=%d-%s-%d", cookieKey, os.Getpid(), t.Name(), time.Now().UnixNano())}
	t.Cleanup(func() {
		t.Helper()
		// A killed process takes a moment to end.
		if Soon(time.Second, func() bool { return len(tracker.Living()) == 0 }) {
			return
		}
		for _, p := range tracker.Living() {
			t.Errorf("left behind: %v", p)
			if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
				t.Errorf("cannot kill it: %v", err)
			}
		}
	})
	return tracker
}

// Env is the environment that marks a child as this test's. GORACE removes the second that
// a test binary with the race detector sleeps before it exits.
func (t Tracker) Env(more ...string) []string {
	return append(more, t.cookie, "GORACE=atexit_sleep_ms=0", ProgramKey+"="+Program())
}

// Seen is one process, as /proc shows it.
type Seen struct {
	PID, PPID int
	State     string
	Threads   int
	Comm      string
	marked    bool
	cookie    string // of the test that started it, or ""
	exiting   bool   // it has released its memory
}

func (s Seen) String() string {
	return fmt.Sprintf("pid %d (%s), state %s, parent %d", s.PID, s.Comm, s.State, s.PPID)
}

// Living returns the living processes that have the cookie, and the descendants of the test
// process that no other test has started.
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

// owns follows the parents of a process up to the test process. The first cookie on the way
// decides which test owns the process: a program may erase its own cookie, but its ancestors
// keep theirs. A process without any cookie has escaped from its parents, and counts for
// every running test. An exiting process has lost its cookie with its memory, and is harmless.
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

// ancestry yields a process, its parent, and so on. /proc is not read atomically, so parents
// may form a circle; the loop ends after as many steps as there are processes.
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

// snapshot returns every process of this machine, marked if its environment contains mark.
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

// dead reports whether a process has ended. A zombie with other threads still runs.
func (s Seen) dead() bool { return s.State == "X" || (s.State == "Z" && s.Threads < 2) }

// Carriers returns the living processes with mark in their environment.
func Carriers(mark string) []Seen {
	all := slices.Collect(maps.Values(snapshot(mark)))
	return slices.DeleteFunc(all, func(s Seen) bool { return s.dead() || !s.marked })
}

func see(path, cookie string) (Seen, bool) {
	stat, err := os.ReadFile(path)
	if err != nil {
		return Seen{}, false
	}
	environ, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "environ")) // unreadable for another user's process
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
		exiting: words[20] == "0" && threads < 2, // with other threads the memory is still in use
	}, true
}

// cookieOf returns the cookie in an environment, or "".
func cookieOf(environ []byte) string {
	for variable := range bytes.SplitSeq(environ, []byte{0}) {
		if bytes.HasPrefix(variable, []byte(cookieKey+"=")) {
			return string(variable)
		}
	}
	return ""
}

// Variables with which a test finds processes that lose every other mark.
const (
	// PIDsKey names a file to which each fake and each child appends its pid and start time.
	PIDsKey = "LC_PIDS"
	// ChildrenKey lists habits, as "escape titled racer:300": a fake worker and a fake
	// aiperf start with one child for each.
	ChildrenKey = "LC_CHILDREN"
)

// Recorded returns the living processes of a file of pids. It compares pid and start time,
// which a process cannot change.
func Recorded(file string) []Seen {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil // nothing has started yet
	}
	var living []Seen
	for line := range strings.Lines(string(text)) {
		var pid int
		var ticks string
		if n, _ := fmt.Sscan(line, &pid, &ticks); n < 2 {
			continue
		}
		if s, ok := see(fmt.Sprintf("/proc/%d/stat", pid), ""); ok && !s.dead() && Ticks(pid) == ticks {
			living = append(living, s)
		}
	}
	return living
}

// Ticks returns the start time of a process in clock ticks since boot, or "" if it has ended.
func Ticks(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[19]
}
