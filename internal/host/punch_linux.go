package host

import (
	"errors"
	"os"
	"syscall"
)

// Modes of fallocate(2).
const (
	keepSize  = 0x1
	punchHole = 0x2
)

// punch gives the disk back what the file holds between two offsets.
func punch(path string, from, to int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	err = os.NewSyscallError("fallocate", syscall.Fallocate(int(f.Fd()), punchHole|keepSize, from, to-from))
	return errors.Join(err, f.Close())
}
