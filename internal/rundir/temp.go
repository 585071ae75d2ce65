package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// tempRoot is not os.TempDir(): that may be a long path of the user's or of
// macOS, and with 107 bytes for a unix socket every one counts.
const (
	tempRoot   = "/tmp"
	tempPrefix = "tb-"
)

// tempDir is a directory below tempRoot that its owner holds locked. The lock
// is on /tmp and not in the artifacts root because that may be on NFS or
// Lustre, where flock lies or fails.
type tempDir struct {
	path string
	lock *os.File // nil once removed
}

// newTempDir makes a temporary directory with mode 0700 and locks it.
func newTempDir() (*tempDir, error) {
	path, err := os.MkdirTemp(tempRoot, tempPrefix)
	if err != nil {
		return nil, cannot("create a temporary directory in", tempRoot, err)
	}
	t, err := lockTempDir(path)
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return t, nil
}

// lockTempDir takes the lock of an existing temporary directory. One that is
// gone needs no lock; one that is locked gives EWOULDBLOCK. The descriptor is
// closed on exec, so the lock falls when the owner dies, whatever its children do.
func lockTempDir(path string) (*tempDir, error) {
	lock, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &tempDir{path: path}, nil
	}
	if err != nil {
		return nil, cannot("open the temporary directory", path, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(cannot("lock the temporary directory", path, err), lock.Close())
	}
	return &tempDir{path: path, lock: lock}, nil
}

// remove deletes the directory, proves it gone, and gives up the lock.
func (t *tempDir) remove() error {
	if t.lock == nil {
		return nil
	}
	if err := os.RemoveAll(t.path); err != nil {
		return cannot("remove the temporary directory", t.path, err)
	}
	if _, err := os.Lstat(t.path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the temporary directory %s: something made it again", t.path)
	}
	err := t.lock.Close()
	t.lock = nil
	return err
}

// identify returns what tells this directory from any other of that name.
func (t *tempDir) identify() (inode uint64, owner uint32, err error) {
	info, err := t.lock.Stat()
	if err != nil {
		return 0, 0, cannot("look at the temporary directory", t.path, err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("cannot look at the temporary directory %s: this system tells no inode", t.path)
	}
	return stat.Ino, stat.Uid, nil
}

// plausibleTemp says whether path is one that newTempDir could have made.
func plausibleTemp(path string) bool {
	return filepath.Dir(path) == tempRoot && strings.HasPrefix(filepath.Base(path), tempPrefix)
}
