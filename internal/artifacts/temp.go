package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// DefaultTemp is where temporary directories are made unless the user says
// otherwise. It is not os.TempDir(): that may be a long path of the user's or of
// macOS, and with 107 bytes for a unix socket every one counts.
const DefaultTemp = "/tmp"

const tempPrefix = "tb-"

// pointerName is a file in the temporary directory with the path of the run's own
// directory: by it a later process finds the run without being told its root.
const pointerName = ".run"

// tempDir is a directory that its owner holds locked. The lock is not in the
// artifacts root because that may be on NFS or Lustre, where flock lies or fails.
type tempDir struct {
	path string
	lock *os.File // nil once removed
}

// newTempDir makes a temporary directory below parent with mode 0700, locks it and
// lets it point to run.
func newTempDir(parent, run string) (*tempDir, error) {
	path, err := os.MkdirTemp(parent, tempPrefix)
	if err != nil {
		return nil, Cannot("create a temporary directory in", parent, err)
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

// openTempDir opens an existing temporary directory; one that is gone gives a
// tempDir without a lock.
func openTempDir(path string) (*tempDir, error) {
	lock, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &tempDir{path: path}, nil
	}
	if err != nil {
		return nil, Cannot("open the temporary directory", path, err)
	}
	return &tempDir{path: path, lock: lock}, nil
}

// take takes the lock; EWOULDBLOCK says that somebody has it. The descriptor is
// closed on exec, so the lock falls when the owner dies, whatever its children do.
func (t *tempDir) take() error {
	if err := syscall.Flock(int(t.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(Cannot("lock the temporary directory", t.path, err), t.lock.Close())
	}
	return nil
}

// remove deletes the directory, proves it gone, and gives up the lock.
func (t *tempDir) remove() error {
	if t.lock == nil {
		return nil
	}
	if err := os.RemoveAll(t.path); err != nil {
		return Cannot("remove the temporary directory", t.path, err)
	}
	if _, err := os.Lstat(t.path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the temporary directory %s: something made it again", t.path)
	}
	return t.leave()
}

// leave gives up the lock.
func (t *tempDir) leave() error {
	if t.lock == nil {
		return nil
	}
	err := t.lock.Close()
	t.lock = nil
	return err
}

// identify returns what tells this directory from any other of that name.
func (t *tempDir) identify() (inode uint64, owner int, err error) {
	info, err := t.lock.Stat()
	if err != nil {
		return 0, 0, Cannot("look at the temporary directory", t.path, err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("cannot look at the temporary directory %s: this system tells no inode", t.path)
	}
	return stat.Ino, int(stat.Uid), nil
}

// target is the run that the directory points to, "" for none that can be trusted.
func (t *tempDir) target() string {
	path := filepath.Join(t.path, pointerName)
	if !Mine(path) {
		return ""
	}
	text, err := os.ReadFile(path)
	run := strings.TrimSuffix(string(text), "\n")
	if err != nil || !filepath.IsAbs(run) || filepath.Clean(run) != run || filepath.Base(filepath.Dir(run)) != StateDir {
		return ""
	}
	return run
}

// Mine reports whether path is a file or directory of this user's own, and no link.
func Mine(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// plausibleTemp says whether path is one that newTempDir could have made.
func plausibleTemp(path string) bool {
	return filepath.IsAbs(path) && filepath.Clean(path) == path && strings.HasPrefix(filepath.Base(path), tempPrefix)
}
