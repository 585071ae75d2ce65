//go:build !linux

package artifacts

import "os"

// datasync brings what was appended to the disk; only Linux has the cheaper call.
func datasync(f *os.File) error { return f.Sync() }
