package gpu

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Lines as nvidia-smi writes them with --format=csv,noheader,nounits.
const (
	h100  = "0, GPU-5c0a, 00000000:19:00.0, NVIDIA H100 80GB HBM3, 4, 81559, Disabled, Default, Enabled, 0"
	other = "1, GPU-77ff, 00000000:3B:00.0, NVIDIA H100 80GB HBM3, 612, 81559, Enabled, Exclusive_Process, Disabled, 2"
	// A laptop's card has neither MIG nor ECC, and one with shared memory tells none.
	card   = "2, GPU-aa00, 00000000:01:00.0, NVIDIA GeForce RTX 3080, 712, 10240, [N/A], Default, Disabled, [N/A]"
	shared = "3, GPU-bb00, 0000000F:01:00.0, NVIDIA GB10, [N/A], [N/A], [N/A], Default, Enabled, [Not Supported]"
	fallen = "Unable to determine the device handle for GPU3: 0000:5F:00.0: Unknown Error"
)

func TestParseDevices(t *testing.T) {
	got, trouble, err := ParseDevices(strings.Join([]string{h100, other, "", fallen, card, shared, "WARNING: infoROM is corrupted at gpu 0000:02:00.0"}, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Device{
		{0, "GPU-5c0a", "00000000:19:00.0", "NVIDIA H100 80GB HBM3", 4, 81559, "Disabled", "Default", "Enabled", 0, nil},
		{1, "GPU-77ff", "00000000:3B:00.0", "NVIDIA H100 80GB HBM3", 612, 81559, "Enabled", "Exclusive_Process", "Disabled", 2, nil},
		{2, "GPU-aa00", "00000000:01:00.0", "NVIDIA GeForce RTX 3080", 712, 10240, "", "Default", "Disabled", -1, nil},
		{3, "GPU-bb00", "0000000F:01:00.0", "NVIDIA GB10", Unknown, Unknown, "", "Default", "Enabled", -1, nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(trouble) != 2 || trouble[0] != fallen {
		t.Errorf("trouble %q", trouble)
	}
}

// A container may lack the library that LD_PRELOAD names: the loader says so, and nvidia-smi answers.
func TestTheLoadersRemarksAreNoAnswer(t *testing.T) {
	remarks := "ERROR: ld.so: object '/n.so' from LD_PRELOAD cannot be preloaded (cannot open shared object file): ignored.\n" +
		"sh: /opt/lib/libtinfo.so.6: no version information available (required by sh)\n"
	devices, trouble, err := ParseDevices(remarks + h100)
	if err != nil || len(devices) != 1 || len(trouble) > 0 {
		t.Errorf("%+v, %q, %v", devices, trouble, err)
	}
	if processes, err := ParseProcesses(remarks); err != nil || len(processes) > 0 {
		t.Errorf("%+v, %v", processes, err)
	}
	if devices := parseClocks(remarks+"0, 1980, 1593", 3); len(devices) != 1 {
		t.Errorf("clocks %v", devices)
	}
}

// A device that nvidia-smi lists and cannot reach is no free one.
func TestDeviceWithoutUUIDIsTrouble(t *testing.T) {
	for _, row := range []struct{ why, line, want string }{
		{"lost", "1, [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost], [N/A], [GPU is lost], [GPU is lost], [N/A]", "GPU 1 answers [GPU is lost]"},
		{"it does not even tell its index", "[Unknown Error], [Unknown Error], 00000000:3B:00.0, NVIDIA H100 80GB HBM3, [Unknown Error], 81559, Disabled, Default, Enabled, 0", "GPU [Unknown Error] answers [Unknown Error]"},
		{"unknown", strings.Replace(other, "GPU-77ff", "[N/A]", 1), "GPU 1 answers [N/A]"},
	} {
		devices, trouble, err := ParseDevices(h100 + "\n" + row.line)
		if err != nil || len(devices) != 1 || devices[0].Index != 0 || len(trouble) != 1 || trouble[0] != row.want {
			t.Errorf("%s: %+v, %q, %v", row.why, devices, trouble, err)
		}
		if Missing(State{Devices: devices, Trouble: trouble}, []int{1}) == nil {
			t.Errorf("%s: it is there", row.why)
		}
	}
}

func TestParseDevicesRefuses(t *testing.T) {
	for _, row := range []struct{ why, text string }{
		{"no driver", "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running."},
		{"an older nvidia-smi", `Field "mig.mode.current" is not a valid field to query.`},
		{"a column less", strings.TrimSuffix(h100, ", 0")},
		{"no index", strings.Replace(h100, "0,", "[N/A],", 1)},
		{"no UUID", strings.Replace(h100, "GPU-5c0a", "", 1)},
		{"negative memory", strings.Replace(h100, ", 4,", ", -4,", 1)},
		{"memory with its unit", strings.Replace(h100, ", 4,", ", 4 MiB,", 1)},
		{"empty memory is not unknown", strings.Replace(h100, ", 4,", ", ,", 1)},
	} {
		if got, _, err := ParseDevices(row.text); err == nil {
			t.Errorf("%s: %+v, want an error", row.why, got)
		}
	}
}

func TestParseProcesses(t *testing.T) {
	got, err := ParseProcesses("GPU-5c0a, 4711, 30000, /usr/bin/python3, -m, x\n" +
		"GPU-5c0a, 0, [N/A], [Not Found]\nGPU-77ff, [N/A], 12, [Insufficient Permissions]\n" + fallen + "\n")
	want := []Process{{UUID: "GPU-5c0a", PID: 4711, Used: 30000, Name: "/usr/bin/python3, -m, x"}, {UUID: "GPU-5c0a", PID: 0, Used: Unknown, Name: "[Not Found]"}, {UUID: "GPU-77ff", PID: 0, Used: 12, Name: "[Insufficient Permissions]"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	nameless, err := ParseProcesses("GPU-5c0a, 4711, 30000, \n") // its name is unknown to the driver, and it uses the GPU
	if want := []Process{{UUID: "GPU-5c0a", PID: 4711, Used: 30000, Name: ""}}; err != nil || !cmp.Equal(nameless, want) {
		t.Errorf("got %v, %v", nameless, err)
	}
	for _, none := range []string{"", "\n", "No running processes found\n"} {
		if got, err := ParseProcesses(none); len(got) > 0 || err != nil {
			t.Errorf("%q: %v, %v", none, got, err)
		}
	}
	for _, bad := range []string{"GPU-5c0a, 4711, 30000", "GPU-5c0a, x, 1, y", "GPU-5c0a, 1, x, y", "GPU-5c0a, 99999999999, 1, y"} {
		if got, err := ParseProcesses(bad); err == nil {
			t.Errorf("%q: %v, want an error", bad, got)
		}
	}
}

func TestParseDevicesWithTheMaskOfItsClocks(t *testing.T) {
	for mask, want := range map[string][]string{
		"0x0000000000000001": {},
		"0x0000000000000044": {"power cap", "hardware thermal slowdown"},
		"[N/A]":              nil,
		"Active":             nil,
	} {
		got, _, err := ParseDevices(h100 + ", " + mask)
		if err != nil || len(got) != 1 || !cmp.Equal(got[0].Slowed, want) {
			t.Errorf("%s: %+v, %v", mask, got, err)
		}
	}
}

// Whatever it says: no panic, and what is unknown never looks like an empty GPU.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{h100, other, card, shared, fallen, "No devices were found", "GPU-5c0a, 4711, 30000, python", "0, 0x44", ", , , , , , , , , ", "0x\x00"} {
		f.Add(seed)
	}
	f.Add(strings.Replace(h100, "GPU-5c0a", "[GPU is lost]", 1))
	f.Fuzz(func(t *testing.T, text string) {
		devices, trouble, err := ParseDevices(text)
		if err == nil && len(devices)+len(trouble) != len(lines(text)) {
			t.Errorf("%d devices and %d troubles of %d lines", len(devices), len(trouble), len(lines(text)))
		}
		for _, d := range devices {
			if d.Index < 0 || d.UUID == "" || d.Used < Unknown || d.Used == 0 && strings.Count(text, "0") == 0 {
				t.Errorf("%+v", d)
			}
		}
		processes, err := ParseProcesses(text)
		for _, p := range processes {
			if p.PID < 0 || p.Used < Unknown || err != nil {
				t.Errorf("%+v, %v", p, err)
			}
		}
	})
}
