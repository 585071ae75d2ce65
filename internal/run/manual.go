package run

import (
	"fmt"

	"topobench/internal/deploy"
	"topobench/internal/host/gpu"
)

// Names of the teardown checks that a run adds.
const (
	processesName    = "processes"
	gpuName          = "gpu"
	sharedMemoryName = "shared memory"
)

// Launches is how often a run brings up a topology that fails.
const Launches = 2

// TeardownRules describes every teardown check of a run, in the order of the proof.
func TeardownRules() []deploy.TeardownRule {
	return append([]deploy.TeardownRule{
		{Name: processesName, Limit: deploy.Within(goneWithin), Holds: "no process has TOPOBENCH_RUN=<run-id> in " +
			"its environment, writes a file of the run, or was started by the run (pid and start time)"},
		{Name: gpuName, Limit: "within timeouts.gpu of the profile", Holds: fmt.Sprintf("memory is back within "+
			"%v of its value before the launch, and no compute process is ours", gpu.BackWithin)},
		{Name: sharedMemoryName, Limit: deploy.Within(goneWithin), Holds: "/dev/shm has no file that processes " +
			"of the run held (sampled once a second); a file that no process holds any more is removed"},
	}, deploy.TeardownRules()...)
}
