package gpu

import (
	"errors"
	"strings"
	"testing"
)

// four are GPUs 0, 1, 2 and 4: the fourth has fallen off the bus.
func four(used ...MiB) State {
	s := State{Trouble: []string{fallen}}
	for i, index := range []int{0, 1, 2, 4} {
		d := Device{Index: index, UUID: "GPU-" + string(rune('a'+i)), Bus: "00000000:19:00.0", Name: "H100", Total: 81559, Compute: "Default"}
		if i < len(used) {
			d.Used = used[i]
		}
		s.Devices = append(s.Devices, d)
	}
	return s
}

func (s State) with(p ...Process) State {
	for _, process := range p {
		process.Owner = who(process.PID)
		s.Processes = append(s.Processes, process)
	}
	return s
}

// who: below 100 is ours, below 200 somebody else's, the rest cannot be seen.
func who(pid int) Owner {
	switch {
	case pid == 0 || pid >= 200:
		return Owner{Party: Unseen}
	case pid < 100:
		return Owner{Ours, "me", "vllm serve"}
	}
	return Owner{Theirs, "alice", "python train.py"}
}

// mps would be a stranger's by its pid.
var mps = Process{UUID: "GPU-a", PID: 150, Used: 28, Name: "/usr/bin/nvidia-cuda-mps-server"}

func TestF11MissingIndexIsNamedWithWhatThereIs(t *testing.T) {
	if err := Missing(four(), []int{0, 4}); err != nil {
		t.Error(err)
	}
	err := Missing(four(), []int{2, 3, 5})
	if _, is := errors.AsType[*MissingError](err); !is {
		t.Fatalf("error %v", err)
	}
	for _, part := range []string{"GPU 3, 5:", "GPU 4 (GPU-d), 00000000:19:00.0, H100", fallen} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in %v", part, err)
		}
	}
	if err := Missing(State{}, []int{0}); err == nil || !strings.Contains(err.Error(), "nvidia-smi sees none") {
		t.Errorf("without any: %v", err)
	}
}

// A slice of a GPU would be counted as a whole one.
func TestF14SlicesAndProhibitedGPUsAreRefused(t *testing.T) {
	s := State{Devices: []Device{{Index: 0, UUID: "GPU-a", MIG: "Enabled"}, {Index: 1, UUID: "GPU-b", MIG: "Disabled"},
		{Index: 2, UUID: "GPU-c", Compute: "Prohibited"}}}
	if err := Missing(s, []int{1}); err != nil {
		t.Error(err)
	}
	err := Missing(s, []int{0, 1, 2, 3})
	for _, part := range []string{"GPU 0 (GPU-a): MIG is enabled", "GPU 2 (GPU-c): its compute mode Prohibited", "cannot use GPU 3:"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in %v", part, err)
		}
	}
	if err = Missing(s, []int{0}); err == nil || strings.Contains(err.Error(), "does not exist") {
		t.Errorf("a GPU that exists: %v", err)
	}
}

func TestF14Warnings(t *testing.T) {
	devices, _, err := ParseDevices(h100 + "\n" + other + "\n" + shared)
	if err != nil {
		t.Fatal(err)
	}
	s := State{Devices: devices}
	if got := Warnings(s, []int{0}); len(got) > 0 {
		t.Errorf("nothing is wrong with it: %q", got)
	}
	s.Processes = []Process{{UUID: "GPU-bb00", PID: 150, Used: 28, Name: "nvidia-cuda-mps-server"}}
	if got := Warnings(s, []int{0}); len(got) > 0 {
		t.Errorf("MPS is on, elsewhere: %q", got)
	}
	if got := strings.Join(Warnings(s, []int{3}), "\n"); !strings.Contains(got, "GPU 3 (GPU-bb00): MPS is on: it changes what is measured") {
		t.Errorf("MPS is on: %q", got)
	}
	s.Trouble = []string{fallen, "GPU 4 answers [GPU is lost]", "WARNING: infoROM is corrupted"}
	all := strings.Join(Warnings(s, []int{0, 1, 3}), "\n")
	for _, part := range []string{fallen + "; CUDA may count", "GPU 4 answers [GPU is lost]; CUDA may count", "infoROM is corrupted\n", "Exclusive_Process: a second process", "persistence mode is off", "2 uncorrected", "GPU 3 (GPU-bb00): nvidia-smi does not report its memory"} {
		if !strings.Contains(all, part) {
			t.Errorf("no %q in\n%s", part, all)
		}
	}
}

func TestF13Busy(t *testing.T) {
	for _, row := range []struct {
		why  string
		s    State
		want string // "" = free
	}{
		{"an idle one shows some hundred MiB", four(700, 4), ""},
		{"a process of somebody else, however small", four(4).with(Process{UUID: "GPU-a", PID: 111, Used: 9, Name: "python"}), "GPU 0 (GPU-a) is used by process 111 of alice (python train.py), 9 MiB"},
		{"one that cannot be seen from here", four(4).with(Process{UUID: "GPU-b", PID: 4711, Used: Unknown, Name: "[Not Found]"}), "GPU 1 (GPU-b) is used by process 4711, which is not visible from here (Not Found), unknown memory"},
		{"memory without a process", four(4, 1025), "GPU 1 (GPU-b) has 1025 MiB in use, by a process that nvidia-smi does not name"},
		{"it is ours", four(20000).with(Process{UUID: "GPU-a", PID: 42, Used: 19000, Name: "vllm"}), ""},
		{"MPS's server is nobody's", four(4).with(mps), ""},
		{"its client is somebody's", four(4).with(mps, Process{UUID: "GPU-a", PID: 111, Used: 9, Name: "python"}), "process 111 of alice"},
		{"on a GPU that the plan does not use", four(4, 4, 60000).with(Process{UUID: "GPU-c", PID: 111, Used: 9, Name: "python"}), ""},
		{"memory that is not told says nothing", four(Unknown), ""},
	} {
		got := strings.Join(Busy(row.s, []int{0, 1}), "; ")
		if (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

func TestF33ForeignProcess(t *testing.T) {
	ours, theirs, hidden := Process{UUID: "GPU-a", PID: 42, Used: 1, Name: ""}, Process{UUID: "GPU-b", PID: 111, Used: 1, Name: ""}, Process{UUID: "GPU-b", PID: 4711, Used: 1, Name: ""}
	for _, row := range []struct {
		why   string
		on    []Process
		found int
		sure  bool
	}{
		{"only ours", []Process{ours}, 0, true},
		{"ours below MPS, whose server is nobody's", []Process{ours, mps}, 0, true},
		{"of MPS's server nothing can be learnt", []Process{mps}, 0, false},
		{"a stranger beside ours", []Process{ours, theirs}, 1, true},
		{"a pid that is nobody's here", []Process{ours, hidden}, 0, true},
		{"a stranger, and none of ours, which run: these are other pids", []Process{theirs}, 0, false},
		{"in a container there are none", nil, 0, false},
	} {
		found, sure := Foreign(four().with(row.on...), []int{0, 1})
		if len(found) != row.found || sure != row.sure {
			t.Errorf("%s: %q, %t", row.why, found, sure)
		}
	}
}

func TestF60Left(t *testing.T) {
	const mib = 20000
	for _, row := range []struct {
		why         string
		before, now State
		left, taken string // a part, "" = none
	}{
		{"all is given back", four(4, 600), four(500, 4), "", ""},
		{"512 MiB are no matter", four(4), four(516), "", ""},
		{"memory without a process", four(4), four(517), "GPU 0 (GPU-a) has 517 MiB in use, before the launch it was 4 MiB; nvidia-smi names no process", ""},
		{"a process of ours, however small", four(4), four(4).with(Process{UUID: "GPU-b", PID: 42, Used: 1, Name: ""}), "GPU 1 (GPU-b) is still used by process 42 of me", ""},
		{"one that has just died, and its memory", four(4), four(mib).with(Process{UUID: "GPU-a", PID: 4711, Used: mib, Name: "vllm"}), "process 4711, which is not visible from here (vllm), unseen, 20000 MiB", ""},
		{"a pid of another namespace, and no memory", four(4), four(4).with(Process{UUID: "GPU-a", PID: 4711, Used: 3, Name: ""}), "", ""},
		{"a stranger has it all", four(4), four(mib).with(Process{UUID: "GPU-a", PID: 111, Used: mib - 4, Name: ""}), "", "GPU 0 (GPU-a) was taken over by process 111 of alice"},
		{"a stranger has a part", four(4), four(mib).with(Process{UUID: "GPU-a", PID: 111, Used: 1000, Name: ""}), "process 111 of alice (python train.py), not ours, 1000 MiB", ""},
		{"a stranger of whom nobody knows how much", four(4), four(mib).with(Process{UUID: "GPU-a", PID: 111, Used: Unknown, Name: ""}), "not ours, unknown memory", ""},
		{"a stranger with little is not in the way", four(4), four(100).with(Process{UUID: "GPU-a", PID: 111, Used: 96, Name: ""}), "", ""},
		{"a stranger beside ours", four(4), four(mib).with(Process{UUID: "GPU-a", PID: 111, Used: mib, Name: ""}, Process{UUID: "GPU-a", PID: 42, Used: 1, Name: ""}), "process 42 of me", ""},
		{"it was there before", four(4).with(Process{UUID: "GPU-a", PID: 42, Used: 1, Name: ""}), four(4).with(Process{UUID: "GPU-a", PID: 42, Used: 1, Name: ""}), "", ""},
		{"memory is not told: processes decide", four(Unknown), four(Unknown).with(Process{UUID: "GPU-a", PID: 4711, Used: Unknown, Name: ""}), "1 processes that are not visible", ""},
		{"memory is not told, and there is no process", four(Unknown), four(Unknown), "", ""},
		{"memory is told no more", four(4), four(Unknown), "", ""},
		{"MPS's server started with our first client, and stays", four(4), four(60).with(mps), "", ""},
		{"MPS's server, and no memory is told", four(Unknown), four(Unknown).with(mps), "", ""},
		{"a GPU is gone", four(4), State{Devices: four().Devices[1:], Trouble: []string{fallen}}, "GPU 0 (GPU-a) does not answer any longer " + fallen, ""},
	} {
		left, taken := Left(row.before, row.now, []int{0, 1})
		for _, x := range []struct{ got, want string }{{strings.Join(left, "; "), row.left}, {strings.Join(taken, "; "), row.taken}} {
			if (x.got == "") != (x.want == "") || !strings.Contains(x.got, x.want) {
				t.Errorf("%s: %q, want %q", row.why, x.got, x.want)
			}
		}
	}
}
