package run

import (
	"fmt"

	"topobench/internal/host"
	"topobench/internal/profile"
)

// What a cell's files take on the disk, measured on aiperf 0.13 (182 KiB and, at
// 300 input tokens, 4.9 KiB a request, of which 2 KiB are its prompt).
const (
	cellBytes    = 256 << 10
	requestBytes = 4 << 10
	tokenBytes   = 8
	cellFiles    = 40
	serviceFiles = 40
)

// Need is the space that a run wants below its artifacts root.
type Need struct{ Cells, Logs, Files uint64 }

// Needs is the space for the cells of the profiles, beside logs of so many bytes.
func Needs(profiles []profile.Profile, logs uint64) Need {
	need := Need{Logs: logs, Files: 100}
	for _, p := range profiles {
		services := len(p.Prefill) + len(p.Decode) + len(p.Aggregated) + 4 // frontend, balancer, etcd, NATS
		need.Files += uint64(serviceFiles * services)
		for _, concurrency := range p.Load.Concurrency {
			need.Cells += cellBytes + uint64(12*concurrency*(requestBytes+tokenBytes*p.Load.ISL))
			need.Files += cellFiles
		}
	}
	return need
}

// Shortage says what is missing at path, or nil.
func (n Need) Shortage(path string, has host.Space) error {
	switch wants := n.Cells + n.Logs; {
	case has.Bytes < wants:
		return fmt.Errorf("%s has %s free, and this run wants %s: %s for the files of its cells, %s for logs", path, Size(has.Bytes), Size(wants), Size(n.Cells), Size(n.Logs))
	case has.Files < n.Files:
		return fmt.Errorf("%s has room for %d files (df -i), and this run makes up to %d", path, has.Files, n.Files)
	}
	return nil
}

// Size prints as a person has it: 1.5 GiB.
type Size uint64

func (s Size) String() string {
	unit, value := 0, float64(s)
	for ; value >= 1024 && unit < 4; unit++ {
		value /= 1024
	}
	return fmt.Sprintf("%.4g %s", value, []string{"bytes", "KiB", "MiB", "GiB", "TiB"}[unit])
}
