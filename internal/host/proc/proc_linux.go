package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Read returns one process; the error matches fs.ErrNotExist if it is gone.
func Read(pid int) (Proc, error) {
	var buffer [statBytes]byte
	stat, err := readShort("/proc/"+strconv.Itoa(pid)+"/stat", buffer[:])
	if errors.Is(err, syscall.ESRCH) { // it ended between open and read
		err = fs.ErrNotExist
	}
	if err != nil {
		return Proc{}, fmt.Errorf("cannot read process %d: %w", pid, err)
	}
	return parse(stat)
}

// statBytes is enough for every /proc/PID/stat: 52 numbers and a name of 64 bytes.
const statBytes = 1400

// readShort reads a file of /proc with three system calls; os.ReadFile makes five, and a
// machine has thousands of processes.
func readShort(path string, buffer []byte) ([]byte, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd) // nothing was written
	n, err := syscall.Read(fd, buffer)
	if err != nil {
		return nil, err
	}
	return buffer[:n], nil
}

// Snapshot returns every process of the machine.
//
// The kernel shows them one after another. A process whose parent ended meanwhile is read
// again, so that it appears below its new parent. One that was born meanwhile may be
// missing: repeat, or use Childless.
func Snapshot() ([]Proc, error) {
	pids, err := pids()
	if err != nil {
		return nil, fmt.Errorf("cannot list processes: %w", err)
	}
	all := readAll(pids)
	known := make(map[int]bool, len(all))
	for _, p := range all {
		known[p.PID] = true
	}
	for i, p := range all {
		if p.PPID == 0 || known[p.PPID] {
			continue
		}
		if again, err := Read(p.PID); err == nil && again.Same(p) {
			all[i] = again
		}
	}
	return all, nil
}

// readAll skips processes that ended since they were listed.
func readAll(pids []int) []Proc {
	all := make([]Proc, 0, len(pids))
	for _, pid := range pids {
		if p, err := Read(pid); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// Signal sends sig to p and to no other process: it takes a handle on the pid (a pidfd where
// the kernel has it), checks that the start ticks are those of p, and signals through the
// handle. The error matches os.ErrProcessDone if p is gone.
func Signal(p Proc, sig syscall.Signal) error {
	handle, err := os.FindProcess(p.PID)
	if err != nil {
		return fmt.Errorf("cannot signal process %v: %w", p, err)
	}
	defer handle.Release()
	now, err := Read(p.PID)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && !now.Same(p)) {
		return fmt.Errorf("cannot signal process %v: %w", p, os.ErrProcessDone)
	}
	if err != nil {
		return err
	}
	if err := handle.Signal(sig); err != nil {
		return fmt.Errorf("cannot signal process %v: %w", p, err)
	}
	return nil
}

// signalProcessGroup is PIDFD_SIGNAL_PROCESS_GROUP, of Linux 6.9.
const signalProcessGroup = 1 << 2

// SignalGroup sends sig to the process group of p in one step: a chain of processes that
// each fork and end is always ahead of a walk through /proc, but not of this. The error
// matches os.ErrProcessDone if p is gone.
func SignalGroup(p Proc, sig syscall.Signal) error {
	fail := func(err error) error { return fmt.Errorf("cannot signal the process group of %v: %w", p, err) }
	handle, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		return fail(errors.Join(err, os.ErrProcessDone))
	}
	defer unix.Close(handle)
	now, err := Read(p.PID)
	if err != nil || !now.Same(p) || now.Group != p.Group || p.Group < 2 {
		return fail(os.ErrProcessDone)
	}
	err = unix.PidfdSendSignal(handle, sig, nil, signalProcessGroup)
	if errors.Is(err, unix.EINVAL) {
		err = syscall.Kill(-p.Group, sig) // p was there an instant ago, and its group with it
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

// Children returns the pids of the direct children of this process, zombies
// included, in some 60 microseconds: quick enough to catch a process that lives
// for less time than a Snapshot takes. It is empty on a kernel built without
// CONFIG_PROC_CHILDREN.
func Children() []int {
	var pids []int
	const threads = "/proc/self/task/"
	own, _ := os.ReadDir(threads) // this process can read its own
	for _, thread := range own {
		text, err := os.ReadFile(threads + thread.Name() + "/children")
		if err != nil {
			continue // that thread ended; its children moved to another
		}
		for _, word := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// Childless reports that this process has no child, not even a zombie (ECHILD). In a
// sub-reaper whose children are all of one tree this proves that the tree is empty: every
// living descendant hangs from some child, whatever it forked meanwhile.
func Childless() bool {
	err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return errors.Is(err, unix.ECHILD)
}

// Reap reaps the child pid if it has ended, and only that one: a wait for any child would
// take the exit status of a child that other code waits for.
func Reap(pid int) (status syscall.WaitStatus, reaped bool) {
	got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil)
	return status, err == nil && got == pid
}

// SetSubreaper makes this process the sub-reaper of its descendants: orphans become children
// of this process instead of pid 1's, and stay visible.
func SetSubreaper() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot become the sub-reaper of its children: %w", err)
	}
	return nil
}

// Cmdline returns the arguments of a process, for messages and to recognise shepherds; empty
// for a zombie. The process may have rewritten them.
func Cmdline(pid int) ([]string, error) { return words(procPath(pid, "cmdline")) }

// Environ returns the environment a process was started with; empty for a zombie. It needs
// the same user.
func Environ(pid int) ([]string, error) { return words(procPath(pid, "environ")) }

func words(path string) ([]string, error) {
	text, err := readMemory(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	ended := strings.TrimRight(string(text), "\x00")
	if ended == "" {
		return nil, nil
	}
	return strings.Split(ended, "\x00"), nil
}

func procPath(pid int, file string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), file)
}
