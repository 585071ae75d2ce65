package host

import (
	"fmt"
	"syscall"
)

// OpenFiles sets how many files this process and its children may have open: want, or as
// many as the system allows. Otherwise the Go runtime raises this process's own limit and
// gives its children the original one, usually 1024.
func OpenFiles(want uint64) (got uint64, err error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("cannot read the limit on open files: %w", err)
	}
	limit.Cur = min(want, limit.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("cannot set the limit on open files: %w", err)
	}
	return limit.Cur, nil
}
