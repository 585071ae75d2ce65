//go:build !linux

package proctree

// Listener knows no process outside Linux.
func Listener(int) (Proc, bool) { return Proc{}, false }
