package proc

import (
	"os"
	"slices"
)

// RunIdentity is the evidence by which the processes of a run are found, also by a process
// that did not start them. It has three kinds, because each has a gap: nginx erases its
// environment, a daemon leaves its parent, and a list of pids ends with its writer.
//
// It never matches a process that is older than the run, that belongs to another user
// (root matches those of all users), or this process and its ancestors.
type RunIdentity struct {
	Cookie  string   // NAME=value in the environment of every process of the run
	Dirs    []string // the run's own directories, absolute, links resolved
	Started []Proc   // the recorded starts, by pid and ticks
	Since   uint64   // the run's own start, in ticks
}

// Empty reports whether there is no evidence.
func (r RunIdentity) Empty() bool { return r.Cookie == "" && len(r.Dirs)+len(r.Started) == 0 }

// ByCookie are the processes with the cookie in their environment.
func (r RunIdentity) ByCookie(all []Proc) []Proc {
	return keep(r.candidates(all), func(p Proc) bool { return hasCookie(p, r.Cookie) })
}

// ByOpenFiles are the processes that have a file below the run's directories open for
// writing. Readers do not match, nor does an editor's temporary file, whose name begins with
// a dot. A deleted log on NFS, which has such a name too (.nfs*), does.
func (r RunIdentity) ByOpenFiles(all []Proc) []Proc {
	return keep(r.candidates(all), func(p Proc) bool { return writesBelow(p, r.Dirs) })
}

// ByLedger are the recorded processes, and their descendants.
func (r RunIdentity) ByLedger(all []Proc) []Proc { return keep(r.candidates(all), r.started(all)) }

// Any are the processes that match by any of the three.
func (r RunIdentity) Any(all []Proc) []Proc {
	started := r.started(all)
	return keep(r.candidates(all), func(p Proc) bool {
		return started(p) || hasCookie(p, r.Cookie) || writesBelow(p, r.Dirs)
	})
}

// candidates leaves out the processes that cannot match. It is cheap, and enough for most
// processes of a machine.
func (r RunIdentity) candidates(all []Proc) []Proc {
	own := ancestry(all, os.Getpid())
	return keep(all, func(p Proc) bool {
		return p.Ticks >= r.Since && p.Alive() && !own[p.PID] && maySignal(p.PID)
	})
}

// started reports whether a process is recorded, or descends from a recorded one that is
// still running.
func (r RunIdentity) started(all []Proc) func(Proc) bool {
	found := map[int]bool{}
	for _, s := range r.Started {
		if !slices.ContainsFunc(all, s.Same) {
			continue // it ended, and a foreign process may have its pid
		}
		found[s.PID] = true
		for _, p := range Below(all, s.PID, nil) {
			found[p.PID] = true
		}
	}
	return func(p Proc) bool { return found[p.PID] }
}

// ancestry is pid and its ancestors.
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
