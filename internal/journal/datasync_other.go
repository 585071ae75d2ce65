//go:build !linux

package journal

import "os"

// datasync brings the file to the disk; only Linux has the cheaper call.
func datasync(f *os.File) error { return f.Sync() }
