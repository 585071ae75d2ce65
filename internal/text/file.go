package text

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// WriteFile replaces path by data in one step that survives a crash: a temporary .tmp-* file in the same directory,
// fsync, rename, fsync of the directory. After an error the old file is unchanged and the temporary file is gone; only
// a failed fsync of the directory leaves the new file in place.
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = IfSupported(f.Chmod(mode))
	}
	if err == nil {
		err = IfSupported(f.Sync())
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return Sync(dir)
}

// Sync brings a file, or the names in a directory, to the disk, where its file system can.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(IfSupported(f.Sync()), f.Close())
}

// IfSupported is the error of a chmod or fsync, or nil if the file system does not have the operation: network and
// FUSE file systems refuse either, and only secrecy and durability depend on them. The check before a run reports it.
func IfSupported(err error) error {
	refusals := []error{syscall.EPERM, syscall.EINVAL, syscall.ENOTSUP, syscall.ENOSYS}
	if slices.ContainsFunc(refusals, func(refusal error) bool { return errors.Is(err, refusal) }) {
		return nil
	}
	return err
}
