//go:build !linux

package shepherd

// Main fails: only Linux has sub-reapers, which keep a tree together when its parents die.
func Main([]string) int { return 1 }
