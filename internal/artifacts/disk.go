package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
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

// Cannot describes an error of the file system: the action, the path, the cause and the
// remedy. It wraps the cause, for errors.Is.
func Cannot(do, path string, err error) error {
	return fmt.Errorf("cannot %s %s: %w%s", do, path, cause(err), Advice(err))
}

// cause strips the operation and path that the os package puts before the errno, because
// Cannot names them already.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return l.Err
	}
	return err
}

// DiskFault reports whether the fault is the disk's and not one path's: no space or inodes, no
// quota, read-only, broken. Other writes to that disk would fail too.
func DiskFault(err error) bool {
	disk := []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO}
	return slices.ContainsFunc(disk, func(errno error) bool { return errors.Is(err, errno) })
}

// Advice returns the remedy for an error of the file system, after a semicolon, or "". The
// errors of this package contain it already.
func Advice(err error) string {
	for _, a := range []struct {
		errno syscall.Errno
		text  string
	}{
		{syscall.ENOSPC, "free some space (or inodes, see df -i) or use another artifacts root"},
		{syscall.EDQUOT, "your disk quota is used up: free some of it or use another artifacts root"},
		{syscall.EROFS, "the file system is mounted read-only: use another artifacts root"},
		{syscall.EIO, "the disk or its server does not work: see the kernel's log (dmesg), " +
			"and use another artifacts root"},
		{syscall.ENAMETOOLONG, "the path is too long: use a shorter artifacts root"},
		{syscall.EACCES, "you have no permission there: use an artifacts root of your own"},
		{syscall.EPERM, "the system does not allow it there: use an artifacts root of your own"},
		{syscall.ENOTDIR, "a part of this path is a file: move it away or use another artifacts root"},
		{syscall.EEXIST, "it exists already and topobench never overwrites it; move it away"},
		{syscall.ENOTEMPTY, "it exists already and topobench never overwrites it; move it away"},
	} {
		if errors.Is(err, a.errno) {
			return "; " + a.text
		}
	}
	return ""
}

// Size is a number of bytes; it prints as 1.5 GiB.
type Size uint64

func (s Size) String() string {
	unit, value := 0, float64(s)
	for ; value >= 1024 && unit < 4; unit++ {
		value /= 1024
	}
	return fmt.Sprintf("%.4g %s", value, []string{"bytes", "KiB", "MiB", "GiB", "TiB"}[unit])
}
