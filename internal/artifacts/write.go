package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"topobench/internal/text"
)

// WriteFile is text.WriteFile with an error that names the file and the remedy.
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	if err := text.WriteFile(path, data, mode); err != nil {
		return Cannot("write", path, err)
	}
	return nil
}

// Cannot words an error of the file system: what, where, why, what to do. The
// cause stays reachable for errors.Is.
func Cannot(do, path string, err error) error {
	return fmt.Errorf("cannot %s %s: %w%s", do, path, cause(err), Advice(err))
}

// cause strips the operation and path that the os package puts before the
// errno: cannot has already named them.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return l.Err
	}
	return err
}

// DiskFault reports whether it is the disk that refuses what is written, and not one
// path: no space or inodes, no quota, read-only, broken. Whatever is written next to
// it would fail as well.
func DiskFault(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// Advice is what the person can do about an error of the file system, after a
// semicolon, or nothing. Errors of this package have it already.
func Advice(err error) string {
	for _, a := range []struct {
		errno syscall.Errno
		text  string
	}{
		{syscall.ENOSPC, "free some space (or inodes, see df -i) or use another artifacts root"},
		{syscall.EDQUOT, "your disk quota is used up: free some of it or use another artifacts root"},
		{syscall.EROFS, "the file system is mounted read-only: use another artifacts root"},
		{syscall.EIO, "the disk, or the server it is on, does not work: see the kernel's log (dmesg), " +
			"and use another artifacts root"},
		{syscall.ENAMETOOLONG, "the path is too long: use a shorter artifacts root"},
		{syscall.EACCES, "you have no permission there: use an artifacts root of your own"},
		{syscall.EPERM, "it is not allowed there: use an artifacts root of your own"},
		{syscall.ENOTDIR, "a part of this path is a file: move it away or use another artifacts root"},
		{syscall.EEXIST, "it is there already and is never overwritten; move it away"},
		{syscall.ENOTEMPTY, "it is there already and is never overwritten; move it away"},
	} {
		if errors.Is(err, a.errno) {
			return "; " + a.text
		}
	}
	return ""
}
