//go:build !linux

package artifacts

import (
	"errors"
	"os"
)

func spaceOf(string) (Space, error) { return Space{}, errors.ErrUnsupported }

// Datasync brings the data of a file to the disk; only Linux has the cheaper call.
func Datasync(f *os.File) error { return f.Sync() }
