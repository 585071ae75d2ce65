package host

import (
	"os"
	"syscall"
)

// tempFile is O_TMPFILE of open(2), which package syscall lacks.
const tempFile = 0x400000 | syscall.O_DIRECTORY

// nameless never has a name, where the file system can do that.
func nameless(dir string) (*os.File, error) {
	if file, err := os.OpenFile(dir, os.O_RDWR|tempFile, 0o600); err == nil {
		return file, nil
	}
	return unlinked(dir)
}
