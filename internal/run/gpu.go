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
	"topobench/internal/plan"
)

const (
	waitEvery = 2 * time.Second // between two looks at GPUs that are waited for
	sayEvery  = time.Minute     // who has them, if that has changed
)

// looksAt: without nvidia-smi GPUs are not looked at, and a mocker has none.
func (c *Campaign) looksAt(h plan.Hardware) bool { return c.NvidiaSMI != "" && len(h.Devices) > 0 }

func (c *Campaign) asker(h plan.Hardware) gpu.SMI {
	return gpu.SMI{Run: c.nvidiaSMI, Limit: h.Within}
}

// nvidiaSMI runs nvidia-smi, in a place that is gone afterwards.
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
// that nobody else has them. GPUs come first: they may be waited for, and who has
// them may have the ports too. A port that another run has claimed may well be
// taken, by a process of that run.
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
		releaseGPUs() // last: who waits for them goes on at once, and wants the ports
	}
	if err := deploy.FreePorts(ports); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// claimGPUs claims those of all plans, as soon as they are free.
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

// freeGPUs is how the GPUs are. The error is a *gpu.MissingError, a
// *stack.BusyError, or says that they are unknown.
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
		return now, &deploy.BusyError{GPUs: true, Taken: taken}
	}
	return now, nil
}

// whenFree tries, with --wait-gpus again and again while the GPUs are busy, and
// says for whom it waits.
func (c *Campaign) whenFree(ctx context.Context, try func() error) error {
	until := time.Now().Add(c.WaitGPUs)
	var said string
	var saidAt time.Time
	for {
		err := try()
		busy, is := errors.AsType[*deploy.BusyError](err)
		if !is || !time.Now().Before(until) {
			return err
		}
		if text := strings.Join(busy.Taken, "; "); text != said && time.Since(saidAt) > sayEvery {
			said, saidAt = text, time.Now()
			c.Screen.Note(fmt.Sprintf("waiting until %s: %s", until.Format("Jan 2 15:04"), text))
			c.note("gpu-wait", map[string]any{"until": until, "taken": busy.Taken})
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

// gpuWitness looks at the GPUs before a launch, and says at its end whether what
// was used has been given back.
func (c *Campaign) gpuWitness(ctx context.Context, p plan.Plan) ([]deploy.Witness, error) {
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
	c.note("gpus", map[string]any{"topology": p.Name, "devices": slices.DeleteFunc(slices.Clone(before.Devices),
		func(d gpu.Device) bool { return !slices.Contains(h.Devices, d.Index) }), "warnings": warnings})
	return []deploy.Witness{{Name: "gpu", Within: h.Within, Look: c.leftOnGPUs(h, before)}}, nil
}

// leftOnGPUs is the witness's look. An answer that comes too late does not hide
// what the one before has said.
func (c *Campaign) leftOnGPUs(h plan.Hardware, before gpu.State) func(context.Context) ([]string, error) {
	var last []string
	return func(ctx context.Context) ([]string, error) {
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
		last = left
		if len(left) == 0 && len(taken) > 0 {
			return nil, &deploy.BusyError{GPUs: true, Taken: taken}
		}
		return left, nil
	}
}
