package e2e_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"topobench/internal/journal"
	"topobench/internal/recovery"
	"topobench/internal/testbed"
)

// gone checks that no process of topobench is left after limit, and then no port.
func (r *running) gone(limit time.Duration) {
	r.Helper()
	if !testbed.Soon(limit, func() bool { return len(r.left()) == 0 }) {
		r.Errorf("%s: left behind after %v: %v", r.name, limit, r.left())
	}
	if ports := taken(r.ports, topobenchPorts); len(ports) > 0 {
		r.Errorf("%s: ports are still taken: %v", r.name, ports)
	}
}

// left returns the living processes that started after topobench.
func (r *running) left() []testbed.Seen {
	var left []testbed.Seen
	for _, p := range r.Living() {
		if !r.before[p.PID] {
			left = append(left, p)
		}
	}
	return left
}

// clean checks that no process runs, every port is free, and the temporary directory and shared
// memory are gone. That must hold as soon as topobench has ended by itself.
func (r *running) clean() {
	r.Helper()
	r.gone(0)
	for path := range r.shared() {
		if !r.shm[path] {
			r.Errorf("%s: %s is left", r.name, path)
		}
	}
	var marker struct{ Temp string }
	r.check(json.Unmarshal([]byte(r.read(filepath.Join(r.path(), "run.json"))), &marker))
	if _, err := os.Lstat(marker.Temp); marker.Temp == "" || !errors.Is(err, fs.ErrNotExist) {
		r.Errorf("the temporary directory %q is left: %v", marker.Temp, err)
	}
}

// shared returns this user's files in /dev/shm, without those of fakes, which tests of other packages start.
func (f fixture) shared() map[string]bool {
	f.Helper()
	entries, err := os.ReadDir("/dev/shm")
	f.check(err)
	ours := map[string]bool{}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "topobench-fake-") {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was just removed
		}
		f.check(err)
		if info.Sys().(*syscall.Stat_t).Uid == uint32(os.Getuid()) {
			ours[filepath.Join("/dev/shm", entry.Name())] = true
		}
	}
	return ours
}

// event is a line of the journal, with the fields that tests use.
type event struct {
	Event, Service, State string
	Topology, Class, Name string
	Error, Attempt        string // of a failed topology
	PID                   int
	Time                  time.Time
}

// journal returns the events so far.
func (r *running) journal() []event {
	r.Helper()
	runs, err := recovery.List(r.root)
	r.check(err)
	var events []event
	for _, run := range runs {
		text, err := os.ReadFile(filepath.Join(run, journal.Name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // not yet
		}
		r.check(err)
		for line := range strings.Lines(string(text)) {
			var e event
			if strings.HasSuffix(line, "\n") { // otherwise it is incomplete
				r.check(json.Unmarshal([]byte(line), &e))
				events = append(events, e)
			}
		}
	}
	return events
}

// first waits for the first event for which match returns true.
func (r *running) first(what string, match func(event) bool) event {
	r.Helper()
	var events []event
	i := -1
	r.await(what, func() bool {
		events = r.journal()
		i = slices.IndexFunc(events, match)
		return i >= 0
	})
	return events[i]
}
