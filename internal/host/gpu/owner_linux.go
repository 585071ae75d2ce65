package gpu

import (
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"topobench/internal/host/proc"
	"topobench/internal/text"
)

// commandWidth of a command line, in characters, is enough to recognise it.
const commandWidth = 120

// Owned is s with the owner of each compute process, by the processes of this moment: ours
// are those that descend from this process.
func (s State) Owned() (State, error) {
	if len(s.Processes) == 0 {
		return s, nil
	}
	all, err := proc.Snapshot()
	if err != nil {
		return s, err
	}
	s.Processes = slices.Clone(s.Processes)
	for i, p := range s.Processes {
		s.Processes[i].Owner = ownerOf(p.PID, all, os.Getpid(), hidden)
	}
	return s, nil
}

// ownerOf looks a pid up in all; those below self are ours.
func ownerOf(pid int, all []proc.Proc, self int, hidden func(pid int) bool) Owner {
	at := slices.IndexFunc(all, func(p proc.Proc) bool { return p.PID == pid })
	switch {
	case at < 0 && hidden(pid):
		return Owner{Party: Theirs, User: "another user", Command: "hidden from this user"}
	case at < 0 || !all[at].Alive():
		return Owner{Party: Unseen}
	}
	o := Owner{Party: Theirs, User: userOf(pid), Command: commandOf(all[at])}
	if slices.ContainsFunc(proc.Below(all, self, nil), all[at].Same) {
		o.Party = Ours
	}
	return o
}

// hidden reports whether a process is alive that /proc does not show: mounted with hidepid it
// shows a user no processes of others. getpgid(2) works all the same.
func hidden(pid int) bool {
	_, alive := syscall.Getpgid(pid)
	_, shown := proc.Read(pid)
	return pid > 0 && alive == nil && shown != nil
}

func userOf(pid int) string {
	info, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		return "an unknown user"
	}
	return userName(info.Sys().(*syscall.Stat_t).Uid)
}

// userName is the name of a user in /etc/passwd, which is all that a static binary reads, or "user 4711".
func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "user " + id
}

// commandOf is the command line of p, or its name where that is unreadable.
func commandOf(p proc.Proc) string {
	words, err := proc.Cmdline(p.PID)
	if err != nil || len(words) == 0 {
		words = []string{p.Comm}
	}
	return text.Line(strings.Join(words, " "), commandWidth)
}
