package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// looksAt: without nvidia-smi topobench cannot probe GPUs, and a mocker has none.
func (c *Campaign) looksAt(h plan.Hardware) bool { return c.NvidiaSMI != "" && len(h.Devices) > 0 }

func (c *Campaign) asker(h plan.Hardware) gpu.SMI {
	return gpu.SMI{Run: c.nvidiaSMI, Limit: h.Within}
}

// nvidiaSMI runs nvidia-smi in a temporary directory.
func (c *Campaign) nvidiaSMI(ctx context.Context, args ...string) (output string, code int, err error) {
	dir, err := os.MkdirTemp(c.Run.TempDir(), "nvidia-smi-")
	if err != nil {
		return "", 0, err
	}
	env, _ := plan.Environ(c.Environ, nil) // it names no variables that could be missing
	text, exit, err := c.Starter.Run(ctx, host.Spec{Name: "nvidia-smi", Argv: append([]string{c.NvidiaSMI}, args...),
		Env: env, Dir: dir, Log: filepath.Join(dir, "log")})
	return string(text), exit.Code, errors.Join(err, os.RemoveAll(dir))
}

// claim keeps other runs from the GPUs and ports of plans until release, and proves
// that no other process has them. GPUs come first: --wait-gpus waits for them, and their
// owner may have the ports too. Claims come before the ports themselves: a process of the
// run that has claimed a port may listen on it.
func (c *Campaign) claim(ctx context.Context, plans ...plan.Plan) (release func(), err error) {
	releaseGPUs, err := c.claimGPUs(ctx, plans)
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
	if err := deploy.FreePorts(ports); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// claimGPUs claims the GPUs of all plans, as soon as they are free.
func (c *Campaign) claimGPUs(ctx context.Context, plans []plan.Plan) (release func(), err error) {
	var all plan.Hardware
	for _, p := range plans {
		all.Devices, all.Within = append(all.Devices, p.Hardware.Devices...), max(all.Within, p.Hardware.Within)
	}
	slices.Sort(all.Devices)
	all.Devices = slices.Compact(all.Devices)
	if !c.looksAt(all) {
		return func() {}, nil
	}
	err = c.whenFree(ctx, func() error {
		now, err := c.freeGPUs(ctx, all)
		if err == nil {
			release, err = deploy.ClaimGPUs(named(now, all.Devices))
		}
		return err
	})
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

// freeGPUs is the state of free GPUs. Otherwise the error is a *gpu.MissingError, a
// *deploy.GPUsBusyError, or that of nvidia-smi.
func (c *Campaign) freeGPUs(ctx context.Context, h plan.Hardware) (gpu.State, error) {
	now, err := c.asker(h).State(ctx)
	if ctx.Err() != nil {
		return now, context.Cause(ctx)
	}
	if err != nil {
		return now, err
	}
	if err := gpu.Missing(now, h.Devices); err != nil {
		return now, err
	}
	who, err := gpu.Owners()
	if err != nil {
		return now, err
	}
	if taken := gpu.Busy(now, h.Devices, who); len(taken) > 0 {
		return now, &deploy.GPUsBusyError{Taken: taken}
	}
	return now, nil
}

// whenFree tries once, or with --wait-gpus until the GPUs are free, and reports their
// owners meanwhile.
func (c *Campaign) whenFree(ctx context.Context, try func() error) error {
	until := time.Now().Add(c.WaitGPUs)
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
			c.Screen.Note(fmt.Sprintf("waiting until %s: %s", until.Format("Jan 2 15:04"), text))
			c.Journal.Note(journal.GPUWait{Until: until, Taken: busy.Taken})
		}
		c.waitFor(func() {
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

// gpuCheck records the state of the GPUs before a launch. The check passes when the
// launch has given back what it used.
func (c *Campaign) gpuCheck(ctx context.Context, p plan.Plan) ([]deploy.TeardownCheck, error) {
	h := p.Hardware
	if !c.looksAt(h) {
		return nil, nil
	}
	var before gpu.State
	err := c.whenFree(ctx, func() (err error) {
		before, err = c.freeGPUs(ctx, h)
		return err
	})
	if err != nil {
		return nil, err
	}
	warnings := gpu.Warnings(before, h.Devices)
	for _, w := range warnings {
		c.Screen.Note(fmt.Sprintf("%s: warning: %s", p.Name, w))
	}
	other := func(d gpu.Device) bool { return !slices.Contains(h.Devices, d.Index) }
	c.Journal.Note(journal.GPUs{Topology: p.Name, Warnings: warnings,
		Devices: slices.DeleteFunc(slices.Clone(before.Devices), other)})
	return []deploy.TeardownCheck{{Name: gpuName, Within: h.Within, Check: c.leftOnGPUs(h, before)}}, nil
}

// leftOnGPUs lists what is left of a launch. A late answer does not hide the result of
// the try before it.
func (c *Campaign) leftOnGPUs(h plan.Hardware, before gpu.State) func(context.Context) ([]deploy.Leftover, error) {
	var last []deploy.Leftover
	return func(ctx context.Context) ([]deploy.Leftover, error) {
		now, err := c.asker(h).State(ctx)
		if err != nil && ctx.Err() != nil && len(last) > 0 {
			return last, nil
		}
		if err != nil {
			return nil, err
		}
		who, err := gpu.Owners()
		if err != nil {
			return nil, err
		}
		left, taken := gpu.Left(before, now, h.Devices, who)
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
