package monitor

import (
	"context"
	"regexp"

	"topobench/internal/host"
	"topobench/internal/verdict"
)

// kernelFaults are kernel messages about GPUs and about memory that ran out.
var kernelFaults = regexp.MustCompile(`(?i)\b(?:Xid|NVRM|NVLink)\b|\boom|out of memory`)

// kernel reads the messages after the one with a number.
func (m *Monitor) kernel(ctx context.Context, after uint64) host.KernelLog {
	look, err := m.t.Host.Look(ctx, host.Question{Kernel: true, After: after})
	if err != nil {
		return host.KernelLog{Fault: err.Error()}
	}
	return look.Kernel
}

// kernelEvidence is the faults that were logged between the start and the end of a cell.
func kernelEvidence(start, end host.KernelLog) *verdict.KernelLog {
	for _, fault := range []string{start.Fault, end.Fault} {
		if fault != "" {
			return &verdict.KernelLog{Unread: fault}
		}
	}
	found := &verdict.KernelLog{}
	for _, message := range end.Messages {
		if kernelFaults.MatchString(message) {
			found.Messages = append(found.Messages, message)
		}
	}
	return found
}
