package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/host/gpu"
	"topobench/internal/journal"
	"topobench/internal/plan"
)

const (
	waitEvery   = 2 * time.Second // between two probes of busy GPUs
	reportEvery = time.Minute     // the owners of busy GPUs, if they have changed
)

// GPUsUnknownError reports that nvidia-smi gave no reliable answer.
type GPUsUnknownError struct{ Fault string }

func (e *GPUsUnknownError) Error() string { return e.Fault }

// gpus checks the GPUs of a run with nvidia-smi.
type gpus struct{ run *Runner }

// watches: without nvidia-smi topobench cannot probe GPUs, and a mocker has none.
func (g gpus) watches(h plan.Hardware) bool { return g.run.NvidiaSMI != "" && len(h.Devices) > 0 }

// state is the GPUs at this moment. An error reports that nvidia-smi gave no answer.
func (g gpus) state(ctx context.Context, h plan.Hardware) (gpu.State, error) {
	look, err := g.run.host.Look(ctx, host.Question{GPUs: h.Within})
	if err == nil && look.GPUFault != "" {
		err = &GPUsUnknownError{look.GPUFault}
	}
	return look.GPUs, err
}

// claim keeps other runs from the GPUs and ports of plans until release, and proves
// that no other process has them. GPUs come first: --wait-gpus waits for them, and their
// owner may have the ports too. Claims come before the ports themselves: a process of the
// run that has claimed a port may listen on it.
func (g gpus) claim(ctx context.Context, plans ...plan.Plan) (release func(), err error) {
	releaseGPUs, err := g.claimDevices(ctx, plans)
	if err != nil {
		return nil, err
	}
	var ports []plan.Port
	for _, p := range plans {
		ports = append(ports, p.Ports()...)
	}
	releasePorts, err := deploy.Claim(ports)
	if err != nil {
		releaseGPUs()
		return nil, err
	}
	release = func() {
		releasePorts()
		releaseGPUs() // last: a run that waits for them claims the ports next
	}
	if err := deploy.FreePorts(ctx, g.run.host, ports); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// claimDevices claims the GPUs of all plans, as soon as they are free.
func (g gpus) claimDevices(ctx context.Context, plans []plan.Plan) (release func(), err error) {
	var all plan.Hardware
	for _, p := range plans {
		all.Devices, all.Within = append(all.Devices, p.Hardware.Devices...), max(all.Within, p.Hardware.Within)
	}
	slices.Sort(all.Devices)
	all.Devices = slices.Compact(all.Devices)
	if !g.watches(all) {
		return func() {}, nil
	}
	err = g.whenFree(ctx, func() error {
		now, err := g.free(ctx, all)
		if err == nil {
			g.run.machine.devices = now.Devices
			release, err = deploy.ClaimGPUs(named(now, all.Devices))
		}
		return err
	})
	if err == nil {
		look, _ := g.run.host.Look(ctx, host.Question{Power: all.Within}) // without them they are not recorded
		g.run.machine.power = look.Power
	}
	return release, err
}

func named(s gpu.State, devices []int) map[string]string {
	names := map[string]string{}
	for _, index := range devices {
		d, _ := s.Of(index)
		names[d.UUID] = d.String()
	}
	return names
}

// free is the state of free GPUs. Otherwise the error is a *gpu.MissingError, a
// *deploy.GPUsBusyError, or that of nvidia-smi.
func (g gpus) free(ctx context.Context, h plan.Hardware) (gpu.State, error) {
	now, err := g.state(ctx, h)
	if ctx.Err() != nil {
		return now, context.Cause(ctx)
	}
	if err != nil {
		return now, err
	}
	if err := gpu.Missing(now, h.Devices); err != nil {
		return now, err
	}
	if taken := gpu.Busy(now, h.Devices); len(taken) > 0 {
		return now, &deploy.GPUsBusyError{Taken: taken}
	}
	return now, nil
}

// whenFree tries once, or with --wait-gpus until the GPUs are free, and reports their
// owners meanwhile.
func (g gpus) whenFree(ctx context.Context, try func() error) error {
	until := time.Now().Add(g.run.WaitGPUs)
	var reported string
	var reportedAt time.Time
	for {
		err := try()
		busy, is := errors.AsType[*deploy.GPUsBusyError](err)
		if !is || !time.Now().Before(until) {
			return err
		}
		if text := strings.Join(busy.Taken, "; "); text != reported && time.Since(reportedAt) > reportEvery {
			reported, reportedAt = text, time.Now()
			g.run.Screen.Note(fmt.Sprintf("waiting until %s: %s", until.Format("Jan 2 15:04"), text))
			g.run.Journal.Note(journal.GPUWait{Until: until, Taken: busy.Taken})
		}
		g.run.waitFor(func() {
			select {
			case <-ctx.Done():
			case <-time.After(waitEvery):
			}
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// teardownCheck records the state of the GPUs before a launch. The check passes when the
// launch has given back what it used.
func (g gpus) teardownCheck(ctx context.Context, p plan.Plan) ([]deploy.TeardownCheck, error) {
	h := p.Hardware
	if !g.watches(h) {
		return nil, nil
	}
	var before gpu.State
	err := g.whenFree(ctx, func() (err error) {
		before, err = g.free(ctx, h)
		return err
	})
	if err != nil {
		return nil, err
	}
	if g.run.facts != nil {
		g.run.facts.users = gpu.Users(before)
	}
	warnings := gpu.Warnings(before, h.Devices)
	for _, w := range warnings {
		g.run.Screen.Note(fmt.Sprintf("%s: warning: %s", p.Name, w))
	}
	other := func(d gpu.Device) bool { return !slices.Contains(h.Devices, d.Index) }
	g.run.Journal.Note(journal.GPUs{Topology: p.Name, Warnings: warnings,
		Devices: slices.DeleteFunc(slices.Clone(before.Devices), other)})
	return []deploy.TeardownCheck{{Name: gpuName, Within: h.Within, Check: g.left(h, before)}}, nil
}

// left lists what is left of a launch. A late answer does not hide the result of
// the try before it.
func (g gpus) left(h plan.Hardware, before gpu.State) func(context.Context) ([]deploy.Leftover, error) {
	var last []deploy.Leftover
	return func(ctx context.Context) ([]deploy.Leftover, error) {
		now, err := g.state(ctx, h)
		if err != nil && ctx.Err() != nil && len(last) > 0 {
			return last, nil
		}
		if err != nil {
			return nil, err
		}
		left, taken := gpu.Left(before, now, h.Devices)
		last = nil
		for _, text := range left {
			last = append(last, deploy.Leftover{Detail: text})
		}
		if len(left) == 0 && len(taken) > 0 {
			return nil, &deploy.GPUsBusyError{Taken: taken}
		}
		return last, nil
	}
}
