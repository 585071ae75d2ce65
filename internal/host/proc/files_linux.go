package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// maySignal reports whether this user may signal the process, kill(2); root may signal all.
// A set-uid program has root's effective user id, and the real one of the user who started
// it, who may signal it.
func maySignal(pid int) bool {
	uid, err := UID(pid)
	me := os.Geteuid()
	return err == nil && (me == 0 || uid == me || uid == 0 && ids(pid, me))
}

// ids reports whether uid is the real or the saved user id of a process,
// proc_pid_status(5): real, effective, saved and that of the file system.
func ids(pid, uid int) bool {
	status, err := os.ReadFile(procPath(pid, "status"))
	_, rest, found := strings.Cut(string(status), "\nUid:")
	fields := strings.Fields(rest)
	text := strconv.Itoa(uid)
	return err == nil && found && len(fields) > 2 && (fields[0] == text || fields[2] == text)
}

// UID is the effective user id of a process.
func UID(pid int) (int, error) {
	var stat syscall.Stat_t
	if err := syscall.Stat(procPath(pid, ""), &stat); err != nil {
		return 0, fmt.Errorf("cannot read the owner of process %d: %w", pid, err)
	}
	return int(stat.Uid), nil
}

// thread is the directory of /proc in which a process shows its files and environment. A
// leader that exited before its threads shows none of its own.
func thread(p Proc) string {
	if p.State != 'Z' {
		return procPath(p.PID, "")
	}
	threads, _ := filepath.Glob(procPath(p.PID, "task/*")) // the pattern is well formed
	for _, t := range threads {
		if filepath.Base(t) != strconv.Itoa(p.PID) {
			return t
		}
	}
	return procPath(p.PID, "")
}

// hasCookie reports whether p was started with the cookie in its environment; false where
// that is unreadable.
func hasCookie(p Proc, mark string) bool {
	env, err := readMemory(filepath.Join(thread(p), "environ"))
	return err == nil && mark != "" && bytes.Contains(append([]byte{0}, env...), []byte("\x00"+mark+"\x00"))
}

// eachFD calls visit with the target of each descriptor of p, until visit returns true. It
// skips unreadable ones: p ended, or belongs to another user.
func eachFD(p Proc, visit func(fd, path string) bool) bool {
	dir := filepath.Join(thread(p), "fd")
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close()
	fds, _ := f.Readdirnames(-1) // those before an error
	for _, fd := range fds {
		path, err := os.Readlink(filepath.Join(dir, fd))
		if err == nil && visit(fd, strings.TrimSuffix(path, " (deleted)")) {
			return true
		}
	}
	return false
}

// Files are the targets of p's descriptors, as far as they are readable.
func Files(p Proc) []string {
	var paths []string
	eachFD(p, func(_, path string) bool {
		paths = append(paths, path)
		return false
	})
	return paths
}

// writesBelow reports whether p has a file below dirs open for writing.
func writesBelow(p Proc, dirs []string) bool {
	return eachFD(p, func(fd, path string) bool {
		for _, dir := range dirs {
			if below(path, dir) && !isEditorTemp(filepath.Base(path)) && writable(p, fd) {
				return true
			}
		}
		return false
	})
}

// isEditorTemp reports whether a name is one under which editors write. A file on NFS that
// was deleted while it was open has a dot too, as .nfs0000000000a1b2c300000001.
func isEditorTemp(name string) bool {
	return strings.HasPrefix(name, ".") && !strings.HasPrefix(name, ".nfs")
}

// below reports whether path is in dir, at any depth. Nothing is in "".
func below(path, dir string) bool {
	return dir != "" && len(path) > len(dir) && path[len(dir)] == '/' && strings.HasPrefix(path, dir)
}

// writable reads the flags of a descriptor, proc_pid_fdinfo(5): octal, the two lowest bits
// for read, write or both.
func writable(p Proc, fd string) bool {
	info, err := os.ReadFile(filepath.Join(thread(p), "fdinfo", fd))
	_, rest, found := strings.Cut(string(info), "flags:")
	fields := strings.Fields(rest)
	if err != nil || !found || len(fields) == 0 {
		return false
	}
	flags, err := strconv.ParseInt(fields[0], 8, 64)
	return err == nil && flags&syscall.O_ACCMODE != syscall.O_RDONLY
}

// Holders maps each file of dir that a living process has open, or mapped, to those
// processes. It leaves out unreadable processes.
func Holders(all []Proc, dir string) map[string][]Proc {
	held, names := map[string][]Proc{}, inodes(dir)
	for _, p := range Living(all) {
		files := map[string]bool{}
		eachFD(p, func(_, path string) bool {
			files[path] = below(path, dir)
			return false
		})
		mapped(p, dir, names, files)
		for path, in := range files {
			if in {
				held[path] = append(held[path], p)
			}
		}
	}
	return held
}

// inodes are the names of dir's files by inode: glibc's sem_open maps a semaphore under a
// temporary name, and the kernel shows that one.
func inodes(dir string) map[string]string {
	names := map[string]string{}
	entries, _ := os.ReadDir(dir) // an unreadable directory has none
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		var stat syscall.Stat_t
		if syscall.Lstat(path, &stat) == nil {
			names[strconv.FormatUint(stat.Ino, 10)] = path
		}
	}
	return names
}

// mapped adds the files of dir that p has mapped, proc_pid_maps(5): the fifth column is the
// inode, the sixth the path.
func mapped(p Proc, dir string, names map[string]string, files map[string]bool) {
	maps, _ := readMemory(filepath.Join(thread(p), "maps")) // see Holders
	for line := range strings.Lines(string(maps)) {
		columns, path, found := strings.Cut(strings.TrimSuffix(line, "\n"), "/")
		path = "/" + strings.TrimSuffix(path, " (deleted)")
		if !found || !below(path, dir) {
			continue
		}
		if fields := strings.Fields(columns); names[fields[4]] != "" {
			path = names[fields[4]]
		}
		files[path] = true
	}
}
