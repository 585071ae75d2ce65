package gpu

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// visible is a machine whose GPU n has the UUID GPU-n000.
func visible(n int) (all []Device) {
	for i := range n {
		all = append(all, Device{Index: i, UUID: fmt.Sprintf("GPU-%d000-aaaa", i)})
	}
	return all
}

func TestC05Allocations(t *testing.T) {
	for _, row := range []struct {
		why     string
		environ string // blanks between variables
		visible int
		devices []int
		source  string // "" = no variable limits it
	}{
		{"nothing limits it", "", 2, []int{0, 1}, ""},
		{"indices", "CUDA_VISIBLE_DEVICES=4,5", 8, []int{4, 5}, "CUDA_VISIBLE_DEVICES=4,5"},
		{"the order of the list", "CUDA_VISIBLE_DEVICES=5,4", 8, []int{5, 4}, "CUDA_VISIBLE_DEVICES=5,4"},
		{"UUIDs", "CUDA_VISIBLE_DEVICES=GPU-3000-aaaa,GPU-1000-aaaa", 8, []int{3, 1}, "CUDA_VISIBLE_DEVICES=GPU-3"},
		{"the beginning of a UUID", "CUDA_VISIBLE_DEVICES=GPU-6", 8, []int{6}, "CUDA_VISIBLE_DEVICES=GPU-6"},
		{"empty", "CUDA_VISIBLE_DEVICES=", 8, nil, "CUDA_VISIBLE_DEVICES="},
		{"-1 hides all", "CUDA_VISIBLE_DEVICES=-1", 8, nil, "CUDA_VISIBLE_DEVICES=-1"},
		{"-1 ends the list", "CUDA_VISIBLE_DEVICES=2,-1,3", 8, []int{2}, "CUDA_VISIBLE_DEVICES=2,-1,3"},
		{"Slurm without a GPU", "CUDA_VISIBLE_DEVICES=NoDevFiles", 8, nil, "CUDA_VISIBLE_DEVICES=NoDevFiles"},
		{"a MIG id is no whole GPU", "CUDA_VISIBLE_DEVICES=MIG-7", 8, nil, "CUDA_VISIBLE_DEVICES=MIG-7"},
		{"it is stronger than Slurm's", "CUDA_VISIBLE_DEVICES=0,1 SLURM_JOB_GPUS=4,5", 2, []int{0, 1}, "CUDA_VISIBLE_DEVICES=0,1"},
		{"the last value of a name", "CUDA_VISIBLE_DEVICES=0 CUDA_VISIBLE_DEVICES=1", 2, []int{1}, "CUDA_VISIBLE_DEVICES=1"},
		{"a job", "SLURM_JOB_GPUS=4,5", 8, []int{4, 5}, "SLURM_JOB_GPUS=4,5"},
		{"a range", "SLURM_JOB_GPUS=0,4-6", 8, []int{0, 4, 5, 6}, "SLURM_JOB_GPUS=0,4-6"},
		{"a step before its job", "SLURM_JOB_GPUS=4,5 SLURM_STEP_GPUS=5", 8, []int{5}, "SLURM_STEP_GPUS=5"},
		{"a cgroup hides the others", "SLURM_JOB_GPUS=4,5", 2, []int{0, 1}, ""},
		{"a cgroup of the step", "SLURM_JOB_GPUS=4,5 SLURM_STEP_GPUS=5", 1, []int{0}, ""},
		{"a job of the whole machine", "SLURM_JOB_GPUS=0-7", 8, []int{0, 1, 2, 3, 4, 5, 6, 7}, ""},
		{"a container with all", "NVIDIA_VISIBLE_DEVICES=all", 2, []int{0, 1}, ""},
		{"a container with indices of the host", "NVIDIA_VISIBLE_DEVICES=4,5", 2, []int{0, 1}, ""},
		{"a container without", "NVIDIA_VISIBLE_DEVICES=void", 2, []int{0, 1}, ""},
		{"a container with UUIDs", "NVIDIA_VISIBLE_DEVICES=GPU-2000-aaaa", 8, []int{2}, "NVIDIA_VISIBLE_DEVICES=GPU-2"},
		{"a container with a MIG id", "NVIDIA_VISIBLE_DEVICES=MIG-3", 8, nil, "NVIDIA_VISIBLE_DEVICES=MIG-3"},
		{"Slurm's is stronger than a container's", "SLURM_JOB_GPUS=4 NVIDIA_VISIBLE_DEVICES=GPU-2", 8, []int{4}, "SLURM_JOB_GPUS=4"},
		{"without nvidia-smi an index counts", "CUDA_VISIBLE_DEVICES=4,5", 0, []int{4, 5}, "CUDA_VISIBLE_DEVICES=4,5"},
		{"without nvidia-smi Slurm's numbers say nothing", "SLURM_JOB_GPUS=4,5", 0, nil, ""},
	} {
		a, err := Allocate(strings.Fields(row.environ), visible(row.visible))
		if err != nil || !slices.Equal(a.Devices, row.devices) || (a.Source == "") != (row.source == "") ||
			!strings.HasPrefix(a.Source, row.source) {
			t.Errorf("%s: %+v, %v", row.why, a, err)
		}
		if row.environ != "" && (a.Source == "") != (a.Why != "") {
			t.Errorf("%s: %+v gives no reason", row.why, a)
		}
	}
}

// A variable whose GPUs are not here is refused: CUDA would hide the rest of the list without an error.
func TestC05AllocationsThatCannotBeUsed(t *testing.T) {
	for environ, want := range map[string]string{
		"CUDA_VISIBLE_DEVICES=4,5":        "4 is not visible here: nvidia-smi lists GPU 0, 1",
		"CUDA_VISIBLE_DEVICES=GPU-7000":   "GPU-7000 is not visible here",
		"CUDA_VISIBLE_DEVICES=GPU-":       "GPU 0 and 1 begin with GPU-",
		"CUDA_VISIBLE_DEVICES=0,0":        "GPU 0 twice",
		"CUDA_VISIBLE_DEVICES=a":          "a is not visible",
		"CUDA_VISIBLE_DEVICES=0,,1":       " is not visible",
		"NVIDIA_VISIBLE_DEVICES=GPU-7000": "GPU-7000 is not visible here",
		"SLURM_JOB_GPUS=gpu:4":            `"gpu:4" is no index`,
		"SLURM_STEP_GPUS=5":               "5 is not visible here",
	} {
		a, err := Allocate([]string{environ}, visible(2))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), environ) {
			t.Errorf("%s: %+v, %v, want %q", environ, a, err, want)
		}
	}
	if a, err := Allocate([]string{"CUDA_VISIBLE_DEVICES=GPU-7"}, nil); err == nil {
		t.Errorf("a UUID without nvidia-smi: %+v", a)
	}
}

func TestC05NamesOfAllocations(t *testing.T) {
	for environ, want := range map[string]string{
		"CUDA_VISIBLE_DEVICES=4,5":   "GPU 4, 5 (CUDA_VISIBLE_DEVICES=4,5)",
		"CUDA_VISIBLE_DEVICES=":      "no GPU (CUDA_VISIBLE_DEVICES=)",
		"CUDA_VISIBLE_DEVICES=MIG-1": "no whole GPU (CUDA_VISIBLE_DEVICES=MIG-1)",
	} {
		if a, err := Allocate([]string{environ}, visible(8)); err != nil || a.String() != want {
			t.Errorf("%s: %s, %v, want %s", environ, a, err, want)
		}
	}
}

func TestAnIndexIsAmbiguousAmongUnlikeGPUs(t *testing.T) {
	like, unlike := visible(2), visible(2)
	unlike[1].Name = "NVIDIA L40S"
	for _, row := range []struct {
		environ string
		visible []Device
		want    bool
	}{
		{"CUDA_VISIBLE_DEVICES=1", unlike, true}, {"CUDA_VISIBLE_DEVICES=1", like, false},
		{"CUDA_VISIBLE_DEVICES=1 CUDA_DEVICE_ORDER=PCI_BUS_ID", unlike, false},
		{"CUDA_VISIBLE_DEVICES=GPU-1", unlike, false}, {"CUDA_VISIBLE_DEVICES=", unlike, false}, {"SLURM_JOB_GPUS=1", unlike, false},
	} {
		environ := strings.Fields(row.environ)
		a, err := Allocate(environ, row.visible)
		if got := a.Ambiguous(environ, row.visible); got != row.want || err != nil {
			t.Errorf("%s: %v, %v", row.environ, got, err)
		}
	}
}

// The GPUs are queried before a run only where their numbers matter.
func TestLimited(t *testing.T) {
	for environ, want := range map[string]bool{
		"": false, "NVIDIA_VISIBLE_DEVICES=all": false, "HOME=/": false,
		"CUDA_VISIBLE_DEVICES=": true, "CUDA_VISIBLE_DEVICES=9": true, "SLURM_JOB_GPUS=0-7": true,
		"SLURM_STEP_GPUS=0": true, "NVIDIA_VISIBLE_DEVICES=GPU-1": true, "NVIDIA_VISIBLE_DEVICES=MIG-1": true,
	} {
		if got := Limited([]string{environ}); got != want {
			t.Errorf("%q: %v", environ, got)
		}
	}
}
