package frontier

// Limits are the least part of the narrower frontier, and the least width as a part of x,
// that a shared range needs for one ratio.
func Limits() (part, width float64) { return leastPart, noise }
