package run

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/host/gpu"
	"topobench/internal/monitor"
	"topobench/internal/plan"
)

// samplePeriod is the time between two samples of the GPUs.
const samplePeriod = time.Second

// sampleGPUs starts one nvidia-smi on each host that prints its GPUs of a topology every second, for all cells of the
// launch. logs are the files that they write, by host. stop returns when all are gone, which the teardown needs.
func (r *Runner) sampleGPUs(ctx context.Context, p plan.Plan) (logs map[string]monitor.GPULog, stop func()) {
	ctx, end := context.WithCancel(ctx)
	var samplers sync.WaitGroup
	logs = map[string]monitor.GPULog{}
	for _, s := range r.sites(p) {
		if h := p.HardwareOn(s.name); (gpus{r, s}).watches(h) {
			log := monitor.GPULog{Path: filepath.Join(p.DirOn(s.name), "gpu-samples.csv"), Offset: s.offset()}
			logs[s.name] = log
			samplers.Go(func() { r.sample(ctx, s, h.Devices, log.Path) })
		}
	}
	return logs, func() { end(); samplers.Wait() }
}

// sample runs nvidia-smi on a machine until ctx ends, with the newest fields that it has.
func (r *Runner) sample(ctx context.Context, s site, devices []int, log string) {
	for _, reasons := range gpu.SampleReasons() {
		argv := append([]string{s.nvidiaSMI}, gpu.SampleArgs(devices, reasons, samplePeriod)...)
		if again := r.sampleUntil(ctx, s, argv, log); !again {
			return
		}
	}
}

// sampleUntil runs nvidia-smi until ctx ends. again is true if it lacks a field of its query.
func (r *Runner) sampleUntil(ctx context.Context, s site, argv []string, log string) (again bool) {
	env := slices.DeleteFunc(slices.Clone(s.environ), func(kv string) bool { return strings.HasPrefix(kv, "TZ=") })
	child, err := s.host.Start(host.Spec{Name: "nvidia-smi", Argv: argv, Env: append(env, gpu.SampleZone),
		Dir: filepath.Dir(log), Log: log, Grace: time.Second})
	if err != nil {
		r.Screen.Note(fmt.Sprintf("%sthe GPUs are not sampled: %v", s.at(), err))
		return false
	}
	select {
	case <-child.Done():
	case <-ctx.Done():
	}
	if s.lost() { // the teardown ends it, at the same time as the services of the other hosts
		return false
	}
	_ = child.Stop(r.Force) // the teardown checks find a process that is left
	output, err := s.host.Get(context.WithoutCancel(ctx), log, -host.LogEnd, host.LogEnd)
	return err == nil && ctx.Err() == nil && gpu.NoField(string(output))
}

// keepSamples writes the samples of a cell beside its other files, and adds the power while its requests were measured.
// A cell without them counts all the same.
func (c cells) keepSamples(a *attempt, w *monitor.Watch) {
	samples, began := w.Samples()
	if len(samples) == 0 {
		return
	}
	if err := artifacts.WriteSamples(filepath.Join(a.dir, artifacts.SamplesName), samples); err != nil {
		c.disk.recorded(err)
		return
	}
	a.power = powerOf(samples, c.clock(began), a.records, c.devices)
}

// devicesOf are the GPUs of a plan on all hosts.
func devicesOf(p plan.Plan) (all []artifacts.Device) {
	for _, name := range p.Names() {
		for _, index := range p.HardwareOn(name).Devices {
			all = append(all, artifacts.Device{Host: name, Index: index})
		}
	}
	return all
}

// powerOf is nil without the times of the requests: the client's own start and end would lower the mean.
func powerOf(samples []artifacts.Sample, began time.Time, s *aiperf.Summary, devices []artifacts.Device,
) *artifacts.Power {
	if s == nil || s.Begin == 0 || len(devices) == 0 {
		return nil
	}
	from := time.Duration(s.Begin - began.UnixNano()).Seconds()
	return artifacts.PowerOf(samples, devices, from, from+s.Seconds)
}
