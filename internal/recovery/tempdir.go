package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"topobench/internal/artifacts"
)

// DefaultTemp is the last of the places for temporary directories.
const DefaultTemp = "/tmp"

// LongestTemp is the longest path, in bytes, of a place for temporary directories. A unix socket's path ends at 107
// bytes, tb-1234567890/ takes 14 of them, and aiperf's tmp12345678/aiperf/raw_inference_proxy_frontend.ipc 51.
const LongestTemp = 40

// Place is a directory that may hold temporary directories, and the name of the variable that has it.
type Place struct{ Name, Dir string }

// ChooseTemp returns the first place without a fault, and why each before it was passed over. If all have one, the
// first is taken: its fault may not matter, and another would be no better.
func ChooseTemp(places []Place, fault func(dir string) string) (dir string, passed []string) {
	for _, p := range places {
		if p.Dir == "" {
			continue
		}
		why := fault(p.Dir)
		if why == "" {
			return p.Dir, passed
		}
		passed = append(passed, strings.TrimSpace(p.Name+" "+p.Dir)+" "+why)
		if dir == "" {
			dir = p.Dir
		}
	}
	return dir, passed
}

const (
	tempPrefix = "tb-"
	// pointerName is a file in the temporary directory with the path of the run's own
	// directory: a later process finds the run by it, whatever the artifacts root is.
	pointerName = ".run"
)

// tempDir is a directory that its owner holds locked. The lock is not in the
// artifacts root because that may be on NFS or Lustre, where flock is unreliable.
type tempDir struct {
	path string
	lock *os.File // nil once removed
}

// newTempDir creates a temporary directory below parent with mode 0700, locks it and
// writes the pointer to run.
func newTempDir(parent, run string) (*tempDir, error) {
	path, err := os.MkdirTemp(parent, tempPrefix)
	if err != nil {
		return nil, artifacts.Cannot("create a temporary directory in", parent, err)
	}
	t, err := openTempDir(path)
	if err == nil {
		err = t.take()
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(path, pointerName), []byte(run+"\n"), 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return t, nil
}

// openTempDir opens an existing temporary directory. If it is gone, the result has no
// lock.
func openTempDir(path string) (*tempDir, error) {
	lock, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &tempDir{path: path}, nil
	}
	if err != nil {
		return nil, artifacts.Cannot("open the temporary directory", path, err)
	}
	return &tempDir{path: path, lock: lock}, nil
}

// take takes the lock; it fails with EWOULDBLOCK if another process holds it. The
// descriptor is closed on exec, so the lock ends with its owner, whatever its children do.
func (t *tempDir) take() error {
	if err := syscall.Flock(int(t.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(artifacts.Cannot("lock the temporary directory", t.path, err), t.lock.Close())
	}
	return nil
}

// remove deletes the directory, checks that it is gone, and gives up the lock.
func (t *tempDir) remove() error {
	if t.lock == nil {
		return nil
	}
	if err := os.RemoveAll(t.path); err != nil {
		return artifacts.Cannot("remove the temporary directory", t.path, err)
	}
	if _, err := os.Lstat(t.path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the temporary directory %s: another process created it again", t.path)
	}
	return t.unlock()
}

func (t *tempDir) unlock() error {
	if t.lock == nil {
		return nil
	}
	err := t.lock.Close()
	t.lock = nil
	return err
}

// identify returns the inode and the owner, which distinguish this directory from any
// other of that name.
func (t *tempDir) identify() (inode uint64, owner int, err error) {
	info, err := t.lock.Stat()
	if err != nil {
		return 0, 0, artifacts.Cannot("check the temporary directory", t.path, err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("cannot check the temporary directory %s: this system has no inodes", t.path)
	}
	return stat.Ino, int(stat.Uid), nil
}

// target is the run in the directory's pointer, "" if there is none that is trustworthy.
func (t *tempDir) target() string {
	path := filepath.Join(t.path, pointerName)
	if !ownedByUser(path) {
		return ""
	}
	text, err := os.ReadFile(path)
	run := strings.TrimSuffix(string(text), "\n")
	if err != nil || !filepath.IsAbs(run) || filepath.Clean(run) != run {
		return ""
	}
	if filepath.Base(filepath.Dir(run)) != artifacts.StateDir {
		return ""
	}
	return run
}

// ownedByUser reports whether path is a file or directory of this user, and no link.
func ownedByUser(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// plausibleTemp reports whether newTempDir could have made path.
func plausibleTemp(path string) bool {
	return filepath.IsAbs(path) && filepath.Clean(path) == path && strings.HasPrefix(filepath.Base(path), tempPrefix)
}
