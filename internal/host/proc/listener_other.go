//go:build !linux

package proc

// Listeners needs Linux.
func Listeners([]Proc, []int) map[int][]Proc { return nil }
