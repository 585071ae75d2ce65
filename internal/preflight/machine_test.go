package preflight

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/host"
	"topobench/internal/host/gpu"
)

// kernel is a system with those files.
func kernel(t *testing.T, files map[string]string) system {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return system(dir)
}

func TestLimitsOfTheMachine(t *testing.T) {
	const limits = "Max open files            1024                 4096                 files\nMax locked memory         %s             %s             bytes"
	const governor = "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor"
	card := "/sys/class/infiniband/mlx5_0/node_type"
	for _, row := range []struct {
		why   string
		files map[string]string
		check func(system) Check
		state State
		found string
	}{
		{"no network card locks memory", map[string]string{"/proc/self/limits": fmt.Sprintf(limits, "67108864", "67108864")}, system.memlock, OK, "64 MiB"},
		{"a network card and no limit", map[string]string{"/proc/self/limits": fmt.Sprintf(limits, "unlimited", "unlimited"), card: "1"}, system.memlock, OK, "unlimited"},
		{"a network card and a limit", map[string]string{"/proc/self/limits": fmt.Sprintf(limits, "67108864", "67108864"), card: "1"}, system.memlock, Warning, "64 MiB"},
		{"no governor, as in a virtual machine", nil, system.governor, OK, "no governor"},
		{"full clocks", map[string]string{fmt.Sprintf(governor, 0): "performance", fmt.Sprintf(governor, 11): "performance"}, system.governor, OK, "performance on 2 CPUs"},
		{"one slow CPU", map[string]string{fmt.Sprintf(governor, 0): "performance", fmt.Sprintf(governor, 1): "powersave"}, system.governor, Warning,
			"performance on 1 CPU, powersave on 1 CPU"},
	} {
		c := row.check(kernel(t, row.files))
		if c.State != row.state || !strings.Contains(c.Found, row.found) || (c.Remedy != "") != (row.state == Warning) {
			t.Errorf("%s: %+v", row.why, c)
		}
	}
	for bytes, want := range map[uint64]State{64 << 20: Warning, 16 << 30: OK} {
		if c := sharedMemory(host.Space{Bytes: bytes}); c.State != want {
			t.Errorf("/dev/shm of %d bytes: %+v", bytes, c)
		}
	}
}

func TestNUMANodesOfGPUsAndCPUs(t *testing.T) {
	files := map[string]string{
		"/sys/devices/system/node/node0/cpulist":           "0-3,8",
		"/sys/devices/system/node/node1/cpulist":           "4-7",
		"/sys/bus/pci/devices/0000:1b:00.0/numa_node":      "0",
		"/sys/bus/pci/devices/0000:9a:00.0/numa_node":      "1",
		"/sys/bus/pci/devices/0000:aa:00.0/numa_node":      "-1",
		"/sys/bus/pci/devices/00000001:00:00.0/other_file": "",
	}
	devices := []gpu.Device{{Index: 0, Bus: "00000000:1B:00.0"}, {Index: 1, Bus: "00000000:9A:00.0"}, {Index: 2, Bus: "00000000:AA:00.0"}}
	for cpus, want := range map[string]struct {
		state State
		found string
	}{
		"0-8": {OK, "may use CPU 0-8, GPU 0 at NUMA node 0, GPU 1 at NUMA node 1"},
		"8":   {Warning, "none of those CPUs is at node 1"},
		"5,6": {Warning, "none of those CPUs is at node 0"},
	} {
		files["/proc/self/status"] = "Name:\ttopobench\nCpus_allowed_list:\t" + cpus
		if c := kernel(t, files).numa(devices, loading); c.State != want.state || !strings.Contains(c.Found, want.found) {
			t.Errorf("%s: %+v", cpus, c)
		}
	}
}

func TestLimitsOfACgroup(t *testing.T) {
	for _, row := range []struct {
		why   string
		files map[string]string
		quota float64
		state State
		found string
	}{
		{"none", map[string]string{"/proc/self/cgroup": "0::/", "/sys/fs/cgroup/memory.max": "max"}, 0, OK, "no cgroup limits"},
		{"a quota", nil, 0.25, Warning, "0.25 CPUs: a CPU quota halts"},
		{"the tightest of a path", map[string]string{"/proc/self/cgroup": "0::/job/step", "/sys/fs/cgroup/job/memory.max": "2147483648",
			"/sys/fs/cgroup/job/step/memory.max": "4294967296", "/sys/fs/cgroup/job/pids.max": "max"}, 0, OK, "allows 2 GiB of memory"},
		{"few processes", map[string]string{"/proc/self/cgroup": "0::/", "/sys/fs/cgroup/pids.max": "512"}, 0, Warning, "512 processes and threads"},
		{"version 1", map[string]string{"/proc/self/cgroup": "5:memory:/d\n4:pids:/d", "/sys/fs/cgroup/memory/d/memory.limit_in_bytes": "1073741824",
			"/sys/fs/cgroup/pids/d/pids.max": "100000"}, 0, OK, "allows 1 GiB of memory, 100000 processes"},
		{"version 1 without a limit", map[string]string{"/proc/self/cgroup": "5:memory:/", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"},
			0, OK, "no cgroup limits"},
	} {
		if c := kernel(t, row.files).cgroup(row.quota); c.State != row.state || !strings.Contains(c.Found, row.found) {
			t.Errorf("%s: %+v", row.why, c)
		}
	}
}
