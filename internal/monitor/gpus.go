package monitor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/gpu"
	"topobench/internal/verdict"
)

// gpuEvery is the time between two samples of the GPUs.
const gpuEvery = 15 * time.Second

// memoryGrowth is more than an engine's own buffers grow by after readiness, and about
// what a foreign CUDA context and its data take.
const memoryGrowth gpu.MiB = 1024

// gpuMemory is the memory of GPUs in use, by device and by process.
type gpuMemory struct{ devices, processes map[int]gpu.MiB }

// gpuSamples collects samples of a topology's GPUs on one host in one cell.
type gpuSamples struct {
	m     *Monitor
	host  string     // "" = this machine
	ready *gpuMemory // after readiness
	seen  verdict.GPUs
	grew  map[int]bool // devices in seen.Growth
}

func newGPUSamples(m *Monitor, devices []int) *gpuSamples { return newGPUSamplesOn(m, "", devices) }

func newGPUSamplesOn(m *Monitor, name string, devices []int) *gpuSamples {
	if m.ready[name] == nil { // here: the hosts are sampled at the same time
		m.ready[name] = &gpuMemory{}
	}
	s := &gpuSamples{m: m, host: name, ready: m.ready[name], seen: verdict.GPUs{Devices: devices}, grew: map[int]bool{}}
	if m.t.GPUs == 0 {
		s.seen.Failure = "there is no nvidia-smi"
	}
	return s
}

// sample takes one sample; ctx may cut it off, and then it does not count.
func (s *gpuSamples) sample(ctx context.Context) {
	if s.m.t.GPUs == 0 || ctx.Err() != nil {
		return
	}
	look, err := s.m.on(s.host).Look(ctx, host.Question{GPUs: s.m.t.GPUs})
	switch {
	case ctx.Err() != nil:
	case err != nil:
		s.fail(err.Error())
	case look.GPUFault != "":
		s.fail(look.GPUFault)
	default:
		s.add(look.GPUs)
		s.addSlowed(look.GPUs)
	}
}

func (s *gpuSamples) fail(why string) {
	s.seen.Samples, s.seen.Failed = s.seen.Samples+1, s.seen.Failed+1
	s.seen.LastFailed, s.seen.Failure = true, why
}

func (s *gpuSamples) add(now gpu.State) {
	found, sure := gpu.Foreign(now, s.seen.Devices)
	s.seen.Samples, s.seen.LastFailed = s.seen.Samples+1, false
	s.seen.Attributed = s.seen.Attributed || sure
	for _, f := range found {
		if !slices.Contains(s.seen.Foreign, f) {
			s.seen.Foreign = append(s.seen.Foreign, f)
		}
	}
	if !sure {
		s.compareMemory(now)
	}
}

// addSlowed collects the reasons for which a device ran below its clocks. A driver without
// that field has none (nil).
func (s *gpuSamples) addSlowed(now gpu.State) {
	for _, index := range s.seen.Devices {
		d, _ := now.Of(index)
		if d.Slowed == nil {
			s.seen.NoClocks = "the driver does not report why it throttles clocks"
			continue
		}
		reason := fmt.Sprintf("GPU %d: %s", index, strings.Join(d.Slowed, ", "))
		if len(d.Slowed) > 0 && !slices.Contains(s.seen.Slowed, reason) {
			s.seen.Slowed = append(s.seen.Slowed, reason)
		}
	}
	slices.Sort(s.seen.Slowed)
}

// compareMemory compares with the memory after readiness, which the first sample of a
// launch shows. Processes that nvidia-smi showed then are the engine's: their own growth
// is explained.
func (s *gpuSamples) compareMemory(now gpu.State) {
	ready := s.ready
	first := ready.devices == nil
	if first {
		*ready = gpuMemory{map[int]gpu.MiB{}, map[int]gpu.MiB{}}
	}
	for _, index := range s.seen.Devices {
		d, _ := now.Of(index)
		if first {
			ready.devices[index] = d.Used
			for _, p := range now.On(d) {
				ready.processes[p.PID] = p.Used
			}
		}
		before := ready.devices[index]
		if d.Used < 0 || before < 0 {
			s.seen.NoMemory = true
			continue
		}
		growth := d.Used - before
		for _, p := range now.On(d) {
			if was, known := ready.processes[p.PID]; known && p.PID != 0 {
				growth -= max(0, p.Used-was)
			}
		}
		if growth > memoryGrowth && !s.grew[index] {
			s.grew[index] = true
			s.seen.Growth = append(s.seen.Growth,
				fmt.Sprintf("%s: %s more than the %s after readiness", d, growth, before))
		}
	}
}

func (s *gpuSamples) evidence() *verdict.GPUs {
	seen := s.seen
	if seen.Attributed { // memory convicts only where processes are hidden
		seen.Growth = nil
	}
	return &seen
}
