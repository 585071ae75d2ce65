package preflight

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/host/gpu"
	"topobench/internal/text"
)

const (
	leastShm   = 1 << 30 // bytes in /dev/shm: vLLM and NCCL need some hundred MiB for each worker with several GPUs
	leastTasks = 4096    // processes and threads: a vLLM worker has some hundred
)

// system reads files of the kernel below a directory: / except in tests.
type system string

// read is the text of a file, "" if it cannot be read.
func (s system) read(path string) string {
	data, err := os.ReadFile(filepath.Join(string(s), path))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// glob lists paths of files, relative to the directory.
func (s system) glob(pattern string) []string {
	found, _ := filepath.Glob(filepath.Join(string(s), pattern)) // the pattern is a constant
	return text.Each(found, func(p string) string { return strings.TrimPrefix(p, string(s)) })
}

// Processes of a run on this machine, and on another host.
const (
	loading = "topobench and aiperf"
	serving = "services"
)

// machine checks limits of this machine that no run stops for. who are the processes of a run here.
func machine(ctx context.Context, s system, devices []gpu.Device, who string) []Check {
	look, err := host.Local{}.Look(ctx, host.Question{Trees: []int{os.Getpid()}})
	quota := 0.0
	if err == nil && len(look.Loads) > 0 {
		quota = look.Loads[0].Limit.Quota
	}
	return []Check{s.memlock(), s.governor(), s.numa(devices, who), s.cgroup(quota)}
}

func sharedMemory(space host.Space) Check {
	found := fmt.Sprintf("/dev/shm has %s free", artifacts.Size(space.Bytes))
	if space.Bytes < leastShm {
		return warn(SharedMemory, found+": NCCL and vLLM fail with a bus error when it is full",
			"remove old files there, or start the container with --ipc=host or --shm-size 16g")
	}
	return ok(SharedMemory, found)
}

// memlock is the limit on memory that a process may lock, which RDMA needs for its buffers.
func (s system) memlock() Check {
	limit := "unknown"
	for line := range strings.Lines(s.read("/proc/self/limits")) {
		if rest, is := strings.CutPrefix(line, "Max locked memory"); is && len(strings.Fields(rest)) > 0 {
			limit = strings.Fields(rest)[0]
		}
	}
	if bytes, err := strconv.ParseUint(limit, 10, 64); err == nil {
		limit = artifacts.Size(bytes).String()
	}
	found := "a process may lock " + limit + " of memory"
	if limit == "unlimited" || limit == "unknown" || len(s.glob("/sys/class/infiniband/*")) == 0 {
		return ok(Memlock, found)
	}
	return warn(Memlock, found+", and NIXL may need more for the network cards here", "ulimit -l unlimited, or "+
		"start the container with --ulimit memlock=-1")
}

// governor is the policy for the clock of the CPUs.
func (s system) governor() Check {
	count := map[string]int{}
	for _, file := range s.glob("/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor") {
		count[s.read(file)]++
	}
	var named []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		named = append(named, name+" on "+text.Count(count[name], "CPU", "CPUs"))
	}
	switch {
	case len(count) == 0:
		return ok(Governor, "the CPUs have no governor, as in a virtual machine")
	case len(count) == 1 && count["performance"] > 0:
		return ok(Governor, named[0])
	}
	return warn(Governor, strings.Join(named, ", ")+": latencies vary with the clock of the CPUs",
		"cpupower frequency-set -g performance")
}

// numa compares the NUMA nodes of the GPUs with those of the CPUs that a run may use.
func (s system) numa(devices []gpu.Device, who string) Check {
	var cpus string
	for line := range strings.Lines(s.read("/proc/self/status")) {
		if list, is := strings.CutPrefix(line, "Cpus_allowed_list:"); is {
			cpus = strings.TrimSpace(list)
		}
	}
	allowed, _ := text.Numbers(cpus) // not readable: no GPU is near
	near := map[string]bool{}        // nodes with a CPU that is allowed
	for _, file := range s.glob("/sys/devices/system/node/node[0-9]*/cpulist") {
		node := strings.TrimPrefix(path.Base(path.Dir(file)), "node")
		local, _ := text.Numbers(s.read(file)) // "" is a node of memory alone
		near[node] = slices.ContainsFunc(local, func(c int) bool { return slices.Contains(allowed, c) })
	}
	on := map[string][]int{} // GPUs by node
	for _, d := range devices {
		bus := strings.ToLower(d.Bus)
		if domain, rest, found := strings.Cut(bus, ":"); found && len(domain) == 8 {
			bus = domain[4:] + ":" + rest // sysfs writes four digits
		}
		if node := s.read("/sys/bus/pci/devices/" + bus + "/numa_node"); node != "" && node != "-1" {
			on[node] = append(on[node], d.Index)
		}
	}
	parts := []string{who + " may use CPU " + cpus}
	var far []string
	for _, node := range slices.Sorted(maps.Keys(on)) {
		parts = append(parts, fmt.Sprintf("GPU %s at NUMA node %s", gpu.Indices(on[node]), node))
		if !near[node] {
			far = append(far, node)
		}
	}
	if len(far) > 0 {
		return warn(NUMA, fmt.Sprintf("%s: none of those CPUs is at node %s", strings.Join(parts, ", "),
			strings.Join(far, ", ")), "start topobench with CPUs of every node (taskset, --cpus-per-task)")
	}
	return ok(NUMA, strings.Join(parts, ", "))
}

// cgroup reports the limits of the container or the job; quota is in CPUs, 0 = unlimited.
func (s system) cgroup(quota float64) Check {
	memory := s.tightest("memory", "memory.max", "memory.limit_in_bytes")
	tasks := s.tightest("pids", "pids.max", "pids.max")
	var parts, short []string
	if quota > 0 {
		parts = append(parts, fmt.Sprintf("%.2g CPUs", quota))
		short = append(short, "a CPU quota halts aiperf and the engines in the middle of a cell")
	}
	if memory < math.MaxInt64/2 { // version 1 writes a number near the largest for no limit
		parts = append(parts, artifacts.Size(memory).String()+" of memory")
	}
	if tasks < math.MaxInt64/2 {
		parts = append(parts, fmt.Sprintf("%d processes and threads", tasks))
		if tasks < leastTasks {
			short = append(short, "engines may start more threads")
		}
	}
	switch {
	case len(parts) == 0:
		return ok(Cgroup, "no cgroup limits CPUs, memory or processes")
	case len(short) == 0:
		return ok(Cgroup, "the cgroup allows "+strings.Join(parts, ", "))
	}
	return warn(Cgroup, fmt.Sprintf("the cgroup allows %s: %s", strings.Join(parts, ", "), strings.Join(short, ", ")),
		"raise it in the container or the job (--cpus, --cpus-per-task, --pids-limit)")
}

// tightest is the lowest limit of the cgroup of this process and of those above it, in version 2 or 1.
func (s system) tightest(controller, v2, v1 string) uint64 {
	lowest := uint64(math.MaxInt64)
	for line := range strings.Lines(s.read("/proc/self/cgroup")) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3) // hierarchy:controllers:path
		if len(f) != 3 {
			continue
		}
		mount, file := "/sys/fs/cgroup", v2
		if f[1] != "" {
			mount, file = "/sys/fs/cgroup/"+controller, v1
			if !slices.Contains(strings.Split(f[1], ","), controller) {
				continue
			}
		}
		for dir := path.Join("/", f[2]); ; dir = path.Dir(dir) {
			if n, err := strconv.ParseUint(s.read(path.Join(mount, dir, file)), 10, 64); err == nil {
				lowest = min(lowest, n)
			}
			if dir == "/" {
				break
			}
		}
	}
	return lowest
}
