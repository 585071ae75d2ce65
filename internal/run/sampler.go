package run

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
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

// sampleGPUs starts one nvidia-smi that prints the GPUs of a topology every second, for all cells of the launch. log is
// the file that it writes; "" = the GPUs are not sampled. stop returns when it is gone, which the teardown needs.
func (r *Runner) sampleGPUs(ctx context.Context, p plan.Plan) (log string, stop func()) {
	if !r.gpus.watches(p.Hardware) {
		return "", func() {}
	}
	log = filepath.Join(p.Dirs[0], "gpu-samples.csv")
	ctx, end := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, reasons := range gpu.SampleReasons() {
			argv := append([]string{r.NvidiaSMI}, gpu.SampleArgs(p.Hardware.Devices, reasons, samplePeriod)...)
			if again := r.sampleUntil(ctx, argv, log); !again {
				return
			}
		}
	}()
	return log, func() { end(); <-ended }
}

// sampleUntil runs nvidia-smi until ctx ends. again is true if it lacks a field of its query.
func (r *Runner) sampleUntil(ctx context.Context, argv []string, log string) (again bool) {
	env := slices.DeleteFunc(slices.Clone(r.Environ), func(kv string) bool { return strings.HasPrefix(kv, "TZ=") })
	child, err := r.starter.Start(host.Spec{Name: "nvidia-smi", Argv: argv, Env: append(env, gpu.SampleZone),
		Dir: filepath.Dir(log), Log: log, Grace: time.Second})
	if err != nil {
		r.Screen.Note(fmt.Sprintf("the GPUs are not sampled: %v", err))
		return false
	}
	select {
	case <-child.Done():
	case <-ctx.Done():
	}
	_ = child.Stop(r.Force) // the teardown checks find a process that is left
	output, err := r.host.Get(context.WithoutCancel(ctx), log, -host.LogEnd, host.LogEnd)
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
	a.power = powerOf(samples, began, a.records, c.devices)
}

// powerOf is nil without the times of the requests: the client's own start and end would lower the mean.
func powerOf(samples []artifacts.Sample, began time.Time, s *aiperf.Summary, devices []int) *artifacts.Power {
	if s == nil || s.Begin == 0 || len(devices) == 0 {
		return nil
	}
	from := time.Duration(s.Begin - began.UnixNano()).Seconds()
	return artifacts.PowerOf(samples, devices, from, from+s.Seconds)
}
