//go:build !linux

package deploy

import "topobench/internal/plan"

// Claim needs Linux; on other systems topobench starts nothing that could need a port.
func Claim([]plan.Port) (release func(), err error) { return func() {}, nil }

// ClaimGPUs needs Linux too.
func ClaimGPUs(map[string]string) (release func(), err error) { return func() {}, nil }

// Claimed finds no claims there.
func Claimed([]plan.Port, map[string]string) []error { return nil }
