package artifacts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Abilities are what the file system of an artifacts root can do. A field is the fault, nil where there is none.
type Abilities struct {
	Write  error // create, append to and remove files: nothing works without
	Rename error // a file over another, and a directory: publishing is no single step without
	Chmod  error // also that a private directory stays private
	Sync   error // of a directory
	Lock   error // nothing depends on it: the locks of a run are in its temporary directory
}

// Try tries out the file system at root, or at the nearest directory above it that exists. It leaves nothing.
func Try(root string) Abilities { return try(root, system{os.Rename, os.Chmod, syncDir, lock}) }

// system are the calls that some file systems refuse.
type system struct {
	rename func(from, to string) error
	chmod  func(path string, mode os.FileMode) error
	sync   func(dir string) error
	lock   func(path string) error
}

func try(root string, s system) (a Abilities) {
	dir, err := os.MkdirTemp(Existing(root), ".tmp-probe-")
	if err != nil {
		return Abilities{Write: Cannot("write in", Existing(root), err)}
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil && a.Write == nil {
			a.Write = Cannot("remove", dir, err)
		}
	}()
	file, other := filepath.Join(dir, "file"), filepath.Join(dir, "other")
	for _, path := range []string{file, other, file} { // the second time it appends
		if err := appendTo(path); err != nil {
			return Abilities{Write: Cannot("append to a file in", Existing(root), err)}
		}
	}
	inner := filepath.Join(dir, "inner")
	a.Rename = errors.Join(s.rename(file, other), os.Mkdir(inner, 0o700), s.rename(inner, inner+"2"))
	a.Chmod = errors.Join(s.chmod(other, 0o600), private(other, 0o600), s.chmod(dir, 0o700), private(dir, 0o700))
	a.Sync, a.Lock = s.sync(dir), s.lock(other)
	return a
}

// Existing is path, or the nearest directory above it that exists.
func Existing(path string) string {
	for parent := filepath.Dir(path); parent != path; path, parent = parent, filepath.Dir(parent) {
		if _, err := os.Stat(path); err == nil {
			break
		}
	}
	return path
}

func appendTo(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString("topobench\n")
	return errors.Join(err, f.Close())
}

// private fails if a file does not have its mode.
func private(path string, mode os.FileMode) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm() != mode {
		err = fmt.Errorf("mode %v instead of %v", info.Mode().Perm(), mode)
	}
	return err
}

// syncDir is text.Sync that reports a file system without fsync.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func lock(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	locked := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	return errors.Join(os.NewSyscallError("flock", locked), f.Close())
}
