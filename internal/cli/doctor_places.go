package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/preflight"
)

// places are the ports and GPUs of one machine that plans use.
type places struct {
	Ports   []plan.Port       `json:"ports"`
	Devices map[string]string `json:"devices"` // names by UUID
}

func placesOn(name string, plans []plan.Plan, gpus gpu.State) places {
	all := places{Devices: map[string]string{}}
	for _, p := range plans {
		all.Ports = append(all.Ports, p.PortsOn(name)...)
		for _, index := range p.HardwareOn(name).Devices {
			if d, there := gpus.Of(index); there {
				all.Devices[d.UUID] = d.String()
			}
		}
	}
	return all
}

// inPlace checks the ports and GPUs that others have, on every machine, the ways between the machines, and the
// servers that the profiles name by URL.
func inPlace(ctx context.Context, report preflight.Report, hosts connections) (checks []preflight.Check) {
	plans := report.Plans()
	for _, p := range plans {
		for _, s := range p.External {
			checks = append(checks, answers(ctx, p, s))
		}
	}
	checks = append(checks, taken(ctx, placesOn("", plans, report.GPUs))...)
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		var there []preflight.Check
		q := placesOn(name, plans, report.Hosts[name].Seen.GPUs)
		if err := preflight.Inspect(ctx, inspector{hosts[name], placesOf}, q, &there); err != nil {
			there = []preflight.Check{{Name: preflight.Hosts, State: preflight.Failure, Found: err.Error(),
				Code: codeUsage}}
		}
		checks = append(checks, preflight.On(name, there)...)
	}
	if slices.ContainsFunc(checks, func(c preflight.Check) bool { return c.Name == preflight.Ports && c.Code != 0 }) {
		return checks // a probe of the ways listens on the ports
	}
	return append(checks, ways(ctx, plans, hosts)...)
}

// ways probes the ways to the ports of each plan over hosts, as run does before it starts a topology.
func ways(ctx context.Context, plans []plan.Plan, hosts connections) (checks []preflight.Check) {
	for _, p := range plans {
		if len(p.Hosts) == 0 {
			continue
		}
		networks := map[string]deploy.Network{"": host.Local{}}
		for _, h := range p.Hosts {
			networks[h.Name] = hosts[h.Name]
		}
		c := preflight.Check{Name: preflight.Hosts, State: preflight.OK,
			Found: p.Name + ": every port is reached from the other hosts"}
		if err := deploy.Reach(ctx, p, networks); err != nil {
			c.State, c.Code, c.Found = preflight.Failure, codeNotUp, p.Name+": "+err.Error()
		}
		checks = append(checks, c)
	}
	return checks
}

// taken checks ports and GPUs of this machine that others have.
func taken(ctx context.Context, p places) (checks []preflight.Check) {
	faults := deploy.Claimed(p.Ports, p.Devices)
	if len(faults) == 0 { // the ports of a run that holds the claims are its own
		if err := deploy.FreePorts(ctx, host.Local{}, p.Ports); err != nil {
			faults = append(faults, err)
		}
	}
	if len(p.Ports) > 0 && len(faults) == 0 {
		checks = append(checks, preflight.Check{Name: preflight.Ports, State: preflight.OK,
			Found: fmt.Sprintf("the %d ports of the plans are free", len(p.Ports))})
	}
	for _, err := range faults {
		name := preflight.Ports
		if _, gpus := errors.AsType[*deploy.GPUsBusyError](err); gpus {
			name = preflight.GPUs
		}
		checks = append(checks, preflight.Check{Name: name, State: preflight.Failure, Found: err.Error(),
			Code: exitCode(err)})
	}
	return checks
}

// answers probes a server of others, as run does before it starts a topology.
func answers(ctx context.Context, p plan.Plan, s plan.Service) preflight.Check {
	c := preflight.Check{Name: preflight.Discovery, State: preflight.OK, Found: p.Name + ": " + s.Name + " answers"}
	if err := deploy.NewProber(host.Local{}).Gate(ctx, s.Gate); err != nil {
		c.State, c.Code = preflight.Failure, codeNotUp
		c.Found = fmt.Sprintf("%s: %s does not answer: %v", p.Name, s.Name, err)
		c.Remedy = "start it, or correct the URL below discovery"
	}
	return c
}
