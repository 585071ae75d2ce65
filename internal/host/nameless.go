package host

import (
	"errors"
	"fmt"
	"os"
)

// Nameless opens a log that has no name in any directory: it disappears with this process, however that ends. path
// leads to it in this process. dir is on the file system that holds it; "" or one that is gone is the default.
func Nameless(dir string) (file *os.File, path string, err error) {
	for _, dir := range []string{dir, os.TempDir(), "/tmp"} { // TMPDIR may name a directory that is gone
		if dir == "" {
			continue
		}
		if file, err = nameless(dir); err == nil {
			return file, fmt.Sprintf("/proc/self/fd/%d", file.Fd()), nil
		}
	}
	return nil, "", err
}

// unlinked is a file whose name is removed at once.
func unlinked(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "topobench-log-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
