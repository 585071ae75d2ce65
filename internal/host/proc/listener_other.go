//go:build !linux

package proc

// Listeners needs Linux.
func Listeners([]Proc, []int) map[int][]Proc { return nil }

// Owners needs Linux.
func Owners([]int) map[int]int { return nil }

// Backlog needs Linux.
func Backlog([]int) map[int]int { return nil }
