//go:build !linux

package host

// NoExec is not known here.
func NoExec(string) bool { return false }

// MayWrite is assumed: only plan and plot run here, and they have no directory of their own.
func MayWrite(string) bool { return true }
