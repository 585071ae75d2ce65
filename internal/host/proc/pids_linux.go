package proc

import (
	"context"

	"github.com/shirou/gopsutil/v3/common"
	"github.com/shirou/gopsutil/v3/process"
)

// pids lists the processes of this machine. The library would follow HOST_PROC in the
// environment to another /proc, where the pids are those of other processes.
func pids() ([]int, error) {
	ctx := context.WithValue(context.Background(), common.EnvKey, common.EnvMap{common.HostProcEnvKey: "/proc"})
	found, err := process.PidsWithContext(ctx)
	if err != nil {
		return nil, err
	}
	pids := make([]int, len(found))
	for i, pid := range found {
		pids[i] = int(pid)
	}
	return pids, nil
}
