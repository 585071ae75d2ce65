package deploy

import (
	"context"
	"errors"
	"fmt"

	"topobench/internal/host"
	"topobench/internal/plan"
)

// Claimer keeps other runs from the resources of a machine until release. The error is a *host.TakenError.
type Claimer interface {
	Claim(ctx context.Context, resources []host.Resource) (release func(), err error)
}

// Claim keeps other runs of topobench on a machine from ports until release: FreePorts alone lets two runs that start
// at the same moment both pass. For a port that another run has claimed the error is a *PortsBusyError. at, such as
// "node1: ", names the machine in it.
func Claim(ctx context.Context, c Claimer, at string, ports []plan.Port) (release func(), err error) {
	release, err = c.Claim(ctx, portResources(ports))
	if taken, is := errors.AsType[*host.TakenError](err); is {
		return nil, portBusy(at + taken.Error())
	}
	return release, err
}

func portResources(ports []plan.Port) (resources []host.Resource) {
	for _, p := range ports {
		resources = append(resources, host.Resource{Key: fmt.Sprintf("port-%d", p.Number), Name: describe(p)})
	}
	return resources
}

func portBusy(taken string) error { return &PortsBusyError{Taken: []string{taken}, ByRun: true} }

// ClaimGPUs is Claim for devices: names by UUID, *GPUsBusyError. Runs in different
// network namespaces see each other's processes on a GPU, but not these claims.
func ClaimGPUs(ctx context.Context, c Claimer, at string, devices map[string]string) (release func(), err error) {
	release, err = c.Claim(ctx, gpuResources(devices))
	if taken, is := errors.AsType[*host.TakenError](err); is {
		return nil, gpuBusy(at + taken.Error())
	}
	return release, err
}

func gpuResources(devices map[string]string) (resources []host.Resource) {
	for uuid, name := range devices {
		resources = append(resources, host.Resource{Key: "gpu-" + uuid, Name: name})
	}
	return resources
}

func gpuBusy(taken string) error { return &GPUsBusyError{Taken: []string{taken}} }

// Claimed lists the errors of Claim and ClaimGPUs for everything that another run has claimed. It claims nothing.
func Claimed(ports []plan.Port, devices map[string]string) (faults []error) {
	for _, taken := range host.Claimed(portResources(ports)) {
		faults = append(faults, portBusy(taken.Error()))
	}
	for _, taken := range host.Claimed(gpuResources(devices)) {
		faults = append(faults, gpuBusy(taken.Error()))
	}
	return faults
}
