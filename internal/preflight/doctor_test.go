package preflight

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/programs"
)

// matrix is nvidia-smi topo -m of two pairs of GPUs, each with NVLink, as it underlines its header.
const matrix = "\t\x1b[4mGPU0\tGPU1\tGPU2\tGPU3\tNIC0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\x1b[0m\n" +
	"GPU0\t X \tNV12\tSYS\tSYS\tPIX\t0-31\t0\t\tN/A\n" +
	"GPU1\tNV12\t X \tSYS\tSYS\tPXB\t0-31\t0\t\tN/A\n" +
	"GPU2\tSYS\tSYS\t X \tNV12\tSYS\t32-63\t1\t\tN/A\n" +
	"GPU3\tSYS\tSYS\tNV12\t X \tSYS\t32-63\t1\t\tN/A\n" +
	"NIC0\tPIX\tPXB\tSYS\tSYS\t X \t\t\t\t\n\nLegend:\n\n  X    = Self\n"

func TestLinksOfAWorkersGPUs(t *testing.T) {
	worker := func(devices ...int) []plan.Plan {
		return []plan.Plan{{Name: "p", Hardware: plan.Hardware{Devices: devices}, Services: []plan.Service{{Name: "decode-0", Devices: devices}}}}
	}
	for _, row := range []struct {
		why     string
		plans   []plan.Plan
		warning string // "" = none
	}{
		{"linked", worker(2, 3), ""},
		{"a single GPU", worker(1), ""},
		{"over two sockets", worker(0, 1, 2), "p: the GPUs of decode-0 are not linked by NVLink: 0 and 2 (SYS), 1 and 2 (SYS)"},
		{"nominal GPUs", []plan.Plan{{Services: []plan.Service{{Devices: []int{0, 2}}}}}, ""},
	} {
		checks := nvlink(matrix, row.plans)
		if len(checks) == 0 || checks[0].Found != "links between the GPUs: NV12, SYS" {
			t.Fatalf("%s: %+v", row.why, checks)
		}
		var got string
		for _, c := range checks[1:] {
			got += c.Found
		}
		if got != row.warning {
			t.Errorf("%s: %q, want %q", row.why, got, row.warning)
		}
	}
	if checks := nvlink("Failed to query", worker(0, 1)); len(checks) > 0 {
		t.Errorf("no matrix: %+v", checks)
	}
}

func TestGPUsAsTheDoctorSeesThem(t *testing.T) {
	s := gpu.State{Devices: []gpu.Device{{Index: 0, UUID: "GPU-a", Name: "NVIDIA H100", Used: 4, Total: 81559, Persist: "Enabled"},
		{Index: 1, UUID: "GPU-b", Name: "NVIDIA H100", Used: 30000, Total: 81559, Persist: "Disabled", Slowed: []string{"power cap"}}},
		Processes: []gpu.Process{{UUID: "GPU-b", PID: 7, Used: 29000, Owner: gpu.Owner{Party: gpu.Theirs, User: "u", Command: "train"}}}}
	power := []gpu.Power{{Index: "0", Driver: "570.1", Clock: "345 MHz", MaxClock: "1980 MHz", Limit: "700 W", Default: "700 W"},
		{Index: "1", Driver: "570.1", Limit: "350 W", Default: "700 W"}}
	text := fmt.Sprint(deviceChecks(s, []int{0, 1}, power))
	for _, want := range []string{
		"GPU 0 (GPU-a): NVIDIA H100, 81559 MiB, 4 MiB in use, power limit 700 W (default 700 W), SM clock 345 MHz of at most 1980 MHz, driver 570.1, persistence mode enabled",
		"process 7 of u 29000 MiB", "SM clock unknown of at most unknown", "its power limit is 350 W, and the default is 700 W", "reduced now: power cap", "persistence mode is off",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if old := fmt.Sprint(deviceChecks(s, []int{0}, []gpu.Power{{Index: "0", Driver: "400.1", Default: "700 W"}})); strings.Contains(old, "the default is") {
		t.Errorf("an unknown limit: %s", old)
	}
	if others := fmt.Sprint(deviceChecks(s, []int{0}, power)); strings.Contains(others, "the default is") {
		t.Errorf("a limit of a GPU that no topology uses: %s", others)
	}
	for _, row := range []struct {
		want []int
		code int // 0: they are free
	}{{[]int{0}, 0}, {[]int{0, 1}, BusyCode}, {[]int{2}, usageCode}} {
		checks := inUse(s, row.want)
		if (len(checks) == 0) != (row.code == 0) || len(checks) > 0 && checks[0].Code != row.code {
			t.Errorf("GPUs %v: %+v", row.want, checks)
		}
	}
}

// Every check of the doctor is in the manual; it repeats those of run, and names each program with its version.
func TestDoctorChecksAMachine(t *testing.T) {
	r := request(t, "a", "b")
	smi := filepath.Join(r.Temp, "nvidia-smi")
	script := "#!/bin/sh\ncase $1 in topo) printf '\\tGPU0\\tGPU1\\nGPU0\\tX\\tNV1\\nGPU1\\tNV1\\tX\\n';; " +
		"*index,uuid*) echo 0, GPU-a, 00000000:01:00.0, NVIDIA X, 4, 100, Disabled, Default, Enabled, 0, 0x0;; " +
		"*index,driver_version*) echo 0, 3, 300, 300, 1, 2;; esac\n"
	if err := os.WriteFile(smi, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	r.Programs = programs.Paths{NvidiaSMI: smi}
	report := Doctor(t.Context(), r)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Checks {
		if !slices.ContainsFunc(Names(), func(n [2]string) bool { return n[0] == c.Name }) {
			t.Errorf("the manual lacks %s", c.Name)
		}
	}
	text := fmt.Sprint(report.Checks)
	for _, want := range []string{"all profiles have the same load", "python is " + r.Temp + "/python3 (PATH): Dynamo 1.6.1", "power limit 300 W",
		"links between the GPUs: NV1"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(r.Temp, "nvidia-smi-*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	r.Profiles[1].Model, r.Profiles[1].Load.ISL = "/no/such", 7
	if report := Doctor(t.Context(), r); len(text) == 0 || report.Err() == nil || strings.Count(report.Err().Error(), "\n") < 1 {
		t.Errorf("faults of the profiles: %v", report.Err())
	}
	r.Profiles = nil
	if report := Doctor(t.Context(), r); report.Err() != nil || !strings.Contains(fmt.Sprint(report.Checks), "GPU 0 (GPU-a)") {
		t.Errorf("without profiles: %+v", report.Checks)
	}
}
