package preflight

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/host/gpu"
)

// MachineFacts describe this machine. A fact that it does not show is absent.
func MachineFacts(ctx context.Context, devices []gpu.Device) artifacts.Values {
	return system("/").facts(ctx, devices)
}

func (s system) facts(ctx context.Context, devices []gpu.Device) artifacts.Values {
	facts := artifacts.Values{"kernel": s.read("/proc/sys/kernel/osrelease"), "CPU": s.processor(),
		"system": s.release(), "NUMA nodes": s.nodes(), "host memory": s.memory()}
	for _, check := range machine(ctx, s, devices, loading) {
		if name := map[string]string{Governor: "CPU governor", NUMA: "NUMA", Cgroup: "cgroup"}[check.Name]; name != "" {
			facts[name], _, _ = strings.Cut(check.Found, ": ") // behind it is the consequence
		}
	}
	if name, err := os.Hostname(); err == nil {
		facts["host"] = name
	}
	maps.DeleteFunc(facts, func(_, value string) bool { return value == "" })
	return facts
}

// processor is the model of the CPUs and their number: "2 x Intel(R) Xeon(R) Platinum 8480C, 224 CPUs".
func (s system) processor() string {
	model, cpus, sockets := "", 0, map[string]bool{}
	for line := range strings.Lines(s.read("/proc/cpuinfo")) {
		key, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "processor":
			cpus++
		case "model name":
			model = value
		case "physical id":
			sockets[value] = true
		}
	}
	switch {
	case cpus == 0:
		return ""
	case model == "":
		return fmt.Sprintf("%d CPUs", cpus) // arm64 has no names there
	}
	return fmt.Sprintf("%d x %s, %d CPUs", max(len(sockets), 1), model, cpus)
}

// release is the name of the system, as in "Ubuntu 24.04.3 LTS".
func (s system) release() string {
	for line := range strings.Lines(s.read("/etc/os-release")) {
		if name, is := strings.CutPrefix(line, "PRETTY_NAME="); is {
			return strings.Trim(strings.TrimSpace(name), `"`)
		}
	}
	return ""
}

// nodes are the CPUs of each NUMA node: "0: 0-55, 1: 56-111".
func (s system) nodes() string {
	var all []string
	for _, file := range s.glob("/sys/devices/system/node/node[0-9]*/cpulist") {
		node := strings.TrimPrefix(path.Base(path.Dir(file)), "node")
		all = append(all, node+": "+s.read(file))
	}
	number := func(text string) int {
		digits, _, _ := strings.Cut(text, ":")
		n, _ := strconv.Atoi(digits) // the pattern has only digits
		return n
	}
	slices.SortFunc(all, func(a, b string) int { return number(a) - number(b) })
	return strings.Join(all, ", ")
}

// memory is that of the machine.
func (s system) memory() string {
	for line := range strings.Lines(s.read("/proc/meminfo")) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == "MemTotal:" {
			if kib, err := strconv.ParseUint(f[1], 10, 64); err == nil {
				return artifacts.Size(kib << 10).String()
			}
		}
	}
	return ""
}

// Links are the kinds of links between devices by the matrix of nvidia-smi topo -m: "NV18", or "NV18 and SYS". It is
// empty for one device.
func Links(matrix string, devices []int) string {
	var kinds []string
	links := parseTopology(matrix)
	for i, a := range devices {
		for _, b := range devices[i+1:] {
			if kind := links[[2]int{a, b}]; kind != "" {
				kinds = append(kinds, kind)
			}
		}
	}
	slices.Sort(kinds)
	return strings.Join(slices.Compact(kinds), " and ")
}
