package proc

import (
	"os"
	"slices"
)

// Trace is how the processes of a run are known, also by a process that did not
// start them. It has three witnesses, because none sees all: nginx erases its
// environment, a daemon leaves its parent, and a pid list ends with its writer.
//
// No witness ever names a process that is older than the run, that another user
// has (root sees all), that asks, or from which the asking one descends.
type RunIdentity struct {
	Cookie  string   // NAME=value that the run put into the environment of all it started
	Dirs    []string // the run's own directories, absolute, links resolved
	Started []Proc   // what it is known to have started, by pid and ticks
	Since   uint64   // the run's own start, in ticks
}

// Known reports whether t has any evidence to go by.
func (t RunIdentity) Known() bool { return t.Cookie != "" || len(t.Dirs)+len(t.Started) > 0 }

// Marked are those that were started with the mark in their environment.
func (t RunIdentity) ByCookie(all []Proc) []Proc {
	return keep(t.candidates(all), func(p Proc) bool { return hasCookie(p, t.Cookie) })
}

// Writers are those that have a file below the run's directories open for writing.
// Who reads one, or stands there, is not of the run; nor is who writes a file
// whose name begins with a dot, as editors do; a deleted log on NFS has such a name
// (.nfs*), and counts.
func (t RunIdentity) ByOpenFiles(all []Proc) []Proc {
	return keep(t.candidates(all), func(p Proc) bool { return writesBelow(p, t.Dirs) })
}

// Known are those that the run is known to have started, and what descends from them.
func (t RunIdentity) ByLedger(all []Proc) []Proc { return keep(t.candidates(all), t.started(all)) }

// Seen are those that any of the three witnesses sees.
func (t RunIdentity) Any(all []Proc) []Proc {
	known := t.started(all)
	return keep(t.candidates(all), func(p Proc) bool { return known(p) || hasCookie(p, t.Cookie) || writesBelow(p, t.Dirs) })
}

// candidates leaves out what cannot be of the run; this is cheap, and all that is
// done for most processes of a machine.
func (t RunIdentity) candidates(all []Proc) []Proc {
	askers := ancestry(all, os.Getpid())
	return keep(all, func(p Proc) bool {
		return p.Ticks >= t.Since && p.Alive() && !askers[p.PID] && maySignal(p.PID)
	})
}

// born tells whether a process is one of t.Born or descends from one that lives.
func (t RunIdentity) started(all []Proc) func(Proc) bool {
	known := map[int]bool{}
	for _, b := range t.Started {
		if !slices.ContainsFunc(all, b.Same) {
			continue // it ended, and its pid may be a stranger's
		}
		known[b.PID] = true
		for _, p := range Below(all, b.PID, nil) {
			known[p.PID] = true
		}
	}
	return func(p Proc) bool { return known[p.PID] }
}

// ancestry is pid and all from which it descends.
func ancestry(all []Proc, pid int) map[int]bool {
	parent := make(map[int]int, len(all))
	for _, p := range all {
		parent[p.PID] = p.PPID
	}
	line := map[int]bool{}
	for ; pid != 0 && !line[pid]; pid = parent[pid] {
		line[pid] = true
	}
	return line
}

func keep(all []Proc, wanted func(Proc) bool) []Proc {
	var kept []Proc
	for _, p := range all {
		if wanted(p) {
			kept = append(kept, p)
		}
	}
	return kept
}
