//go:build !linux

package host

// Claim needs Linux; on other systems topobench starts nothing that could need a resource.
func Claim([]Resource) (release func(), err error) { return func() {}, nil }

// Claimed finds no claims there.
func Claimed([]Resource) []*TakenError { return nil }
