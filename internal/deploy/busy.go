package deploy

import (
	"errors"
	"fmt"
	"strings"

	"topobench/internal/host"
)

// PortsBusyError lists ports of a plan that another process has.
type PortsBusyError struct {
	Taken []string // one a port, with its owner
	ByRun bool     // another run of topobench has them, and will give them back
}

func (e *PortsBusyError) Error() string {
	next := "end that process, or"
	if e.ByRun {
		next = "wait until that run has ended, or"
	}
	return fmt.Sprintf("cannot use the ports of the plan: %s\n  %s choose other ports "+
		"(frontend.port, balancer.port, port, port_base)", strings.Join(e.Taken, "; "), next)
}

// GPUsBusyError lists GPUs of a plan that another process has.
type GPUsBusyError struct {
	Taken []string // one a GPU, with its owner
}

func (e *GPUsBusyError) Error() string {
	return fmt.Sprintf("cannot use the GPUs of the plan: %s\n  wait for them with --wait-gpus 2h, or choose others "+
		"(cuda_visible_devices); topobench has not touched their processes", strings.Join(e.Taken, "; "))
}

// Busy reports whether err is only that another process has ports or GPUs of a plan.
func Busy(err error) bool {
	_, ports := errors.AsType[*PortsBusyError](err)
	_, gpus := errors.AsType[*GPUsBusyError](err)
	_, claimed := errors.AsType[*host.TakenError](err) // after the connection to a machine was lost
	return ports || gpus || claimed
}
