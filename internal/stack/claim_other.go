//go:build !linux

package stack

import "topobench/internal/plan"

// Claim needs Linux; elsewhere nothing is started that could need a port.
func Claim([]plan.Port) (release func(), err error) { return func() {}, nil }
