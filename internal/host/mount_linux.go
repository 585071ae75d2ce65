package host

import "syscall"

// noExec is ST_NOEXEC of statvfs(3).
const noExec = 0x8

// NoExec reports whether the file system at path refuses to run its files.
func NoExec(path string) bool {
	var fs syscall.Statfs_t
	return syscall.Statfs(path, &fs) == nil && fs.Flags&noExec != 0
}

// MayWrite reports whether this process may create files in a directory.
func MayWrite(dir string) bool {
	const writeAndEnter = 0x3 // W_OK|X_OK of access(2)
	return syscall.Access(dir, writeAndEnter) == nil
}
