package preflight

import (
	"testing"
)

func TestFactsOfAMachine(t *testing.T) {
	s := kernel(t, map[string]string{
		"/proc/sys/kernel/osrelease": "6.8.0-85-generic", "/etc/os-release": "NAME=Ubuntu\nPRETTY_NAME=\"Ubuntu 24.04.3 LTS\"",
		"/proc/cpuinfo":                                         "processor\t: 0\nmodel name\t: Xeon\nphysical id\t: 0\n\nprocessor\t: 1\nmodel name\t: Xeon\nphysical id\t: 1",
		"/proc/meminfo":                                         "MemTotal:       2113929216 kB\nMemFree: 1 kB",
		"/sys/devices/system/node/node0/cpulist":                "0-55",
		"/sys/devices/system/node/node10/cpulist":               "7",
		"/sys/devices/system/node/node2/cpulist":                "56-111",
		"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave",
	})
	got := s.facts(t.Context(), nil)
	for name, want := range map[string]string{"kernel": "6.8.0-85-generic", "system": "Ubuntu 24.04.3 LTS", "CPU": "2 x Xeon, 2 CPUs",
		"host memory": "1.969 TiB", "NUMA nodes": "0: 0-55, 2: 56-111, 10: 7", "CPU governor": "powersave on 1 CPU"} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	for name, value := range kernel(t, nil).facts(t.Context(), nil) {
		if value == "" {
			t.Errorf("%s is there and empty", name)
		}
	}
}

func TestLinksOfATopology(t *testing.T) {
	const matrix = "\tGPU0\tGPU1\tGPU2\tNIC0\nGPU0\t X \tNV18\tSYS\tPIX\nGPU1\tNV18\t X \tSYS\tPIX\nGPU2\tSYS\tSYS\t X \tPIX\n"
	for _, row := range []struct {
		devices []int
		want    string
	}{{[]int{0, 1}, "NV18"}, {[]int{0, 1, 2}, "NV18 and SYS"}, {[]int{2}, ""}} {
		if got := Links(matrix, row.devices); got != row.want {
			t.Errorf("%v: %q, want %q", row.devices, got, row.want)
		}
	}
}
