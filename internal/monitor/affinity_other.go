//go:build !linux

package monitor

import "runtime"

func availableCPUs(int) float64 { return float64(runtime.NumCPU()) }
