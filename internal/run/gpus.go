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

// gpus checks the GPUs of a run on one machine with nvidia-smi.
type gpus struct {
	run *Runner
	on  site
}

// gpusOf are the GPUs of a machine.
func (r *Runner) gpusOf(host string) gpus { return gpus{r, r.site(host)} }

// watches: without nvidia-smi topobench cannot probe GPUs, and a mocker has none.
func (g gpus) watches(h plan.Hardware) bool { return g.on.nvidiaSMI != "" && len(h.Devices) > 0 }

// state is the GPUs at this moment. An error reports that nvidia-smi gave no answer.
func (g gpus) state(ctx context.Context, h plan.Hardware) (gpu.State, error) {
	look, err := g.on.host.Look(ctx, host.Question{GPUs: h.Within})
	if err == nil && look.GPUFault != "" {
		err = &GPUsUnknownError{g.on.at() + look.GPUFault}
	}
	return look.GPUs, err
}

// claimAll keeps other runs from the GPUs and ports of plans on all their machines until release, and proves
// that no other process has them. It has all of them or none. GPUs come first: --wait-gpus waits for them, and their
// owner may have the ports too. Claims come before the ports themselves: a process of the
// run that has claimed a port may listen on it.
func (r *Runner) claimAll(ctx context.Context, plans ...plan.Plan) (release func(), err error) {
	sites := r.sites(plans...)
	held, err := r.claimGPUs(ctx, sites, plans)
	if err != nil {
		return nil, err
	}
	for _, s := range sites {
		release, err := deploy.Claim(ctx, s.machine, s.at(), portsOn(s.name, plans))
		if err != nil {
			held.release()
			return nil, err
		}
		held = append(held, release) // released first: a run that waits for the GPUs claims the ports next
	}
	err = each(sites, func(_ int, s site) error {
		return deploy.FreePortsOn(ctx, s.name, s.host, portsOn(s.name, plans))
	})
	if err != nil {
		held.release()
		return nil, err
	}
	return held.release, nil
}

func portsOn(host string, plans []plan.Plan) (all []plan.Port) {
	for _, p := range plans {
		all = append(all, p.PortsOn(host)...)
	}
	return all
}

// hardwareOn is the GPUs of a machine that plans use.
func hardwareOn(host string, plans []plan.Plan) (all plan.Hardware) {
	for _, p := range plans {
		h := p.HardwareOn(host)
		all.Devices, all.Within = append(all.Devices, h.Devices...), max(all.Within, h.Within)
	}
	slices.Sort(all.Devices)
	all.Devices = slices.Compact(all.Devices)
	return all
}

// claimGPUs claims the GPUs of plans on all machines, as soon as they are free everywhere.
func (r *Runner) claimGPUs(ctx context.Context, sites []site, plans []plan.Plan) (held releases, err error) {
	watched := slices.DeleteFunc(slices.Clone(sites), func(s site) bool {
		return !gpus{r, s}.watches(hardwareOn(s.name, plans))
	})
	if len(watched) == 0 {
		return nil, nil
	}
	states := make([]gpu.State, len(watched))
	err = r.whenFree(ctx, func() error {
		err := each(watched, func(i int, s site) (err error) {
			states[i], err = gpus{r, s}.free(ctx, hardwareOn(s.name, plans))
			return err
		})
		if err == nil {
			err = distinctGPUs(watched, states, plans)
		}
		for i := 0; i < len(watched) && err == nil; i++ {
			var release func()
			s := watched[i]
			release, err = deploy.ClaimGPUs(ctx, s.machine, s.at(),
				named(states[i], hardwareOn(s.name, plans).Devices))
			if err == nil {
				held = append(held, release)
			}
		}
		if err != nil {
			held.release()
			held = nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	powers := make([]machine, len(watched))
	_ = each(watched, func(i int, s site) error { // without the power limits they are not recorded
		look, _ := s.host.Look(ctx, host.Question{Power: hardwareOn(s.name, plans).Within})
		powers[i] = machine{devices: states[i].Devices, power: look.Power}
		return nil
	})
	for i, s := range watched {
		r.found[s.name] = powers[i]
	}
	return held, nil
}

// distinctGPUs refuses a plan of which two hosts have one GPU: throughput would be divided by more GPUs than there are.
func distinctGPUs(sites []site, states []gpu.State, plans []plan.Plan) (err error) {
	for _, p := range plans {
		by := map[string]site{} // by UUID
		for i, s := range sites {
			for _, index := range p.HardwareOn(s.name).Devices {
				device, _ := states[i].Of(index)
				if other, twice := by[device.UUID]; twice {
					err = errors.Join(err, fmt.Errorf("%s: %s and %s are one machine: both would use %s; "+
						"give each host GPUs or a machine of its own", p.Name, other.title(), s.title(), device))
				}
				by[device.UUID] = s
			}
		}
	}
	return err
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
		return now, g.on.fault(err)
	}
	if taken := gpu.Busy(now, h.Devices); len(taken) > 0 {
		return now, &deploy.GPUsBusyError{Taken: g.on.named(taken)}
	}
	return now, nil
}

// whenFree tries once, or with --wait-gpus until the GPUs are free, and reports their
// owners meanwhile.
func (r *Runner) whenFree(ctx context.Context, try func() error) error {
	until := time.Now().Add(r.WaitGPUs)
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
			r.Screen.Note(fmt.Sprintf("waiting until %s: %s", until.Format("Jan 2 15:04"), text))
			r.Journal.Note(journal.GPUWait{Until: until, Taken: busy.Taken})
		}
		r.waitFor(func() {
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

// gpuChecks records the state of the GPUs before a launch. The checks pass when the launch has given back what it used.
func (r *Runner) gpuChecks(ctx context.Context, p plan.Plan) (checks []deploy.TeardownCheck, err error) {
	watched := slices.DeleteFunc(r.sites(p), func(s site) bool { return !gpus{r, s}.watches(p.HardwareOn(s.name)) })
	before := make([]gpu.State, len(watched))
	err = r.whenFree(ctx, func() error {
		return each(watched, func(i int, s site) (err error) {
			before[i], err = gpus{r, s}.free(ctx, p.HardwareOn(s.name))
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	for i, s := range watched {
		h := p.HardwareOn(s.name)
		if r.facts != nil {
			r.facts.users = append(r.facts.users, s.named(gpu.Users(before[i]))...)
		}
		warnings := gpu.Warnings(before[i], h.Devices)
		for _, w := range warnings {
			r.Screen.Note(fmt.Sprintf("%s: %swarning: %s", p.Name, s.at(), w))
		}
		other := func(d gpu.Device) bool { return !slices.Contains(h.Devices, d.Index) }
		r.Journal.Note(journal.GPUs{Topology: p.Name, Host: s.name, Warnings: warnings,
			Devices: slices.DeleteFunc(slices.Clone(before[i].Devices), other)})
		checks = append(checks, deploy.TeardownCheck{Name: gpuName, Host: s.name, Within: h.Within,
			Check: gpus{r, s}.left(h, before[i])})
	}
	return checks, nil
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
			return nil, &deploy.GPUsBusyError{Taken: g.on.named(taken)}
		}
		return last, nil
	}
}
