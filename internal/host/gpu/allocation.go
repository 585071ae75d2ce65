package gpu

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/text"
)

// Allocation is the GPUs that the caller may use.
type Allocation struct {
	Source string // the variable with its value that limits it; "" = every visible GPU is in it
	// Devices are indices of visible GPUs, in the order of the source. A slice of a GPU (MIG)
	// is not among them: a worker has whole GPUs.
	Devices []int
	Why     string // where Source is "": why no variable limits it
}

// The variables of an allocation, the strongest first.
const (
	cudaVariable      = "CUDA_VISIBLE_DEVICES"
	slurmStepVariable = "SLURM_STEP_GPUS"
	slurmJobVariable  = "SLURM_JOB_GPUS"
	nvidiaVariable    = "NVIDIA_VISIBLE_DEVICES"
)

// AllocationVariables are the variables that Allocate reads, with what they limit.
func AllocationVariables() [][2]string {
	return [][2]string{
		{cudaVariable, "the GPUs that a run may use, by index or UUID; empty = none"},
		{slurmStepVariable + ", " + slurmJobVariable, "the GPUs that a run may use, without " + cudaVariable +
			" and only if nvidia-smi lists more of them"},
		{nvidiaVariable, "the GPUs that a run may use, only as a list of UUIDs or MIG ids and without the others"},
	}
}

// Limited reports whether the environment may limit the allocation, so that the visible GPUs
// have to be known.
func Limited(environ []string) bool {
	a, err := Allocate(environ, []Device{{}, {}})
	return err != nil || a.Source != "" || slurm(environ) != ""
}

// Allocate reads the allocation from an environment. The error reports a variable whose GPUs
// are not visible here. Without visible GPUs, as on a machine without nvidia-smi, an index
// counts as it is written.
func Allocate(environ []string, visible []Device) (Allocation, error) {
	if text, set := lookup(environ, cudaVariable); set {
		return listed(cudaVariable, cudaList(text), text, visible)
	}
	var why []string
	for _, name := range []string{slurmStepVariable, slurmJobVariable} {
		list, _ := lookup(environ, name)
		if list == "" {
			continue
		}
		indices, err := text.Numbers(list)
		if err != nil {
			return Allocation{}, fmt.Errorf("cannot read the allocation from %s=%s: %w", name, list, err)
		}
		entries := text.Each(indices, strconv.Itoa)
		if len(visible) > len(entries) {
			return listed(name, entries, list, visible)
		}
		reason := fmt.Sprintf("nvidia-smi lists %d, which are those of the allocation under numbers of their own",
			len(visible))
		if len(visible) == 0 {
			reason = "nvidia-smi lists none to compare it with"
		}
		why = append(why, fmt.Sprintf("%s=%s does not limit them: %s", name, list, reason))
	}
	if text, set := lookup(environ, nvidiaVariable); set {
		entries := strings.Split(text, ",")
		if !slices.ContainsFunc(entries, func(e string) bool { return !isUUID(e) }) {
			return listed(nvidiaVariable, entries, text, visible)
		}
		why = append(why, fmt.Sprintf("%s=%s does not limit them: it is no list of UUIDs", nvidiaVariable, text))
	}
	a := Allocation{Why: strings.Join(why, "; ")}
	for _, d := range visible {
		a.Devices = append(a.Devices, d.Index)
	}
	return a, nil
}

// listed is the allocation that the entries of a variable name.
func listed(name string, entries []string, text string, visible []Device) (Allocation, error) {
	a := Allocation{Source: name + "=" + text}
	for _, entry := range entries {
		if strings.HasPrefix(entry, "MIG-") {
			continue
		}
		index, err := Find(entry, visible)
		if err == nil && slices.Contains(a.Devices, index) {
			err = fmt.Errorf("it names GPU %d twice", index)
		}
		if err != nil {
			return Allocation{}, fmt.Errorf("cannot use the allocation %s: %w", a.Source, err)
		}
		a.Devices = append(a.Devices, index)
	}
	return a, nil
}

// Ambiguous reports whether the source counts GPUs in CUDA's own order, the fastest first, which
// differs from that of nvidia-smi where the models differ.
func (a Allocation) Ambiguous(environ []string, visible []Device) bool {
	text, isCUDA := strings.CutPrefix(a.Source, cudaVariable+"=")
	order, _ := lookup(environ, "CUDA_DEVICE_ORDER")
	unlike := slices.ContainsFunc(visible, func(d Device) bool { return d.Name != visible[0].Name })
	return isCUDA && unlike && order != "PCI_BUS_ID" && len(a.Devices) > 0 && !isUUID(text)
}

// Find is the index of a visible GPU by its index or UUID, of which CUDA takes the beginning too.
func Find(name string, visible []Device) (int, error) {
	index, err := strconv.Atoi(name)
	if err == nil && len(visible) == 0 {
		return index, nil
	}
	var found []int
	for _, d := range visible {
		if err == nil && d.Index == index || isUUID(name) && strings.HasPrefix(d.UUID, name) {
			found = append(found, d.Index)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return 0, fmt.Errorf("GPU %s and %d begin with %s", Indices(found[:1]), found[1], name)
	case len(visible) == 0:
		return 0, fmt.Errorf("%s is unknown here: nvidia-smi lists no GPU", name)
	}
	there := make([]int, len(visible))
	for i, d := range visible {
		there[i] = d.Index
	}
	return 0, fmt.Errorf("%s is not visible here: nvidia-smi lists GPU %s", name, Indices(there))
}

// String names the allocation for a person: "GPU 4, 5 (CUDA_VISIBLE_DEVICES=4,5)".
func (a Allocation) String() string {
	devices := "no GPU"
	switch {
	case len(a.Devices) > 0:
		devices = "GPU " + Indices(a.Devices)
	case strings.Contains(a.Source, "MIG-"):
		devices = "no whole GPU"
	}
	if a.Source == "" {
		return devices
	}
	return fmt.Sprintf("%s (%s)", devices, a.Source)
}

// Indices writes indices for a person: "4, 5".
func Indices(devices []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(devices), " ", ", "), "[]")
}

func isUUID(text string) bool {
	return strings.HasPrefix(text, "GPU-") || strings.HasPrefix(text, "MIG-")
}

// cudaList splits a value as CUDA does: -1, and Slurm's NoDevFiles, end the list.
func cudaList(text string) (entries []string) {
	for entry := range strings.SplitSeq(text, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" && text == "" || strings.HasPrefix(entry, "-") || entry == "NoDevFiles" {
			break
		}
		entries = append(entries, entry)
	}
	return entries
}

// slurm is the value of Slurm's variables, "" without one.
func slurm(environ []string) string {
	step, _ := lookup(environ, slurmStepVariable)
	job, _ := lookup(environ, slurmJobVariable)
	return step + job
}

// lookup is the value of a variable: the last one, as getenv of a new process sees it.
func lookup(environ []string, name string) (value string, set bool) {
	for _, kv := range environ {
		if n, v, found := strings.Cut(kv, "="); found && n == name {
			value, set = v, true
		}
	}
	return value, set
}
