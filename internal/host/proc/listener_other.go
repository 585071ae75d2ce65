//go:build !linux

package proc

// Listener needs Linux.
func Listener(int) (Proc, bool) { return Proc{}, false }

// Listeners needs Linux.
func Listeners([]Proc, []int) map[int][]Proc { return nil }
