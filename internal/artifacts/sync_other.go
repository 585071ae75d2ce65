//go:build !linux

package artifacts

import "os"

// Datasync brings what was appended to the disk; only Linux has the cheaper call.
func Datasync(f *os.File) error { return f.Sync() }
