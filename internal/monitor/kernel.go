package monitor

import (
	"cmp"
	"context"
	"math"
	"regexp"
	"strings"
	"sync"

	"topobench/internal/host"
	"topobench/internal/verdict"
)

// kernelFaults are kernel messages about GPUs and about memory that ran out.
var kernelFaults = regexp.MustCompile(`(?i)\b(?:Xid|NVRM|NVLink)\b|\boom|out of memory`)

// kernel reads on each host the messages after those of start; start nil = only the number of the last one.
func (m *Monitor) kernel(ctx context.Context, start []host.KernelLog) []host.KernelLog {
	names := m.hosts()
	logs := make([]host.KernelLog, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		after := uint64(math.MaxUint64)
		if start != nil {
			after = start[i].Last
		}
		all.Go(func() { logs[i] = kernelLog(ctx, m.on(name), after) })
	}
	all.Wait()
	return logs
}

// kernelLog reads the messages after the one with a number.
func kernelLog(ctx context.Context, h Host, after uint64) host.KernelLog {
	look, err := h.Look(ctx, host.Question{Kernel: true, After: after})
	if err != nil {
		return host.KernelLog{Fault: err.Error()}
	}
	return look.Kernel
}

// kernelEvidence is the faults that each host logged between the start and the end of a cell.
func (m *Monitor) kernelEvidence(start, end []host.KernelLog) *verdict.KernelLog {
	found := &verdict.KernelLog{}
	var unread []string
	for i, name := range m.hosts() {
		if fault := cmp.Or(start[i].Fault, end[i].Fault); fault != "" {
			unread = append(unread, at(name, fault))
			continue
		}
		for _, message := range end[i].Messages {
			if kernelFaults.MatchString(message) {
				found.Messages = append(found.Messages, at(name, message))
			}
		}
	}
	found.Unread = strings.Join(unread, "; ")
	return found
}
