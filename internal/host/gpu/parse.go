package gpu

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// separator of nvidia-smi --format=csv. It quotes nothing.
const separator = ", "

// The queried columns, in this order. A process's name comes last: it may hold the
// separator.
const (
	deviceFields = "index,uuid,pci.bus_id,name,memory.used,memory.total," +
		"mig.mode.current,compute_mode,persistence_mode,ecc.errors.uncorrected.volatile.total"
	processFields = "gpu_uuid,pid,used_gpu_memory,process_name"
)

// ParseDevices reads the answer to a query of deviceFields, and of the clocks' mask behind
// them where that was queried. trouble are the lines that report a fault of one device;
// the other devices are valid then.
func ParseDevices(text string) (devices []Device, trouble []string, err error) {
	for _, line := range lines(text) {
		if isTrouble(line) {
			trouble = append(trouble, line)
			continue
		}
		f := strings.Split(line, separator)
		columns := strings.Count(deviceFields, ",") + 1
		if len(f) != columns && len(f) != columns+1 {
			return nil, nil, nonsense(line)
		}
		if f[1] != "" && known(f[1]) == "" { // "[GPU is lost]", "[Unknown Error]"
			trouble = append(trouble, fmt.Sprintf("GPU %s answers %s", f[0], f[1]))
			continue
		}
		index, err := strconv.Atoi(f[0])
		if err != nil || index < 0 || f[1] == "" {
			return nil, nil, nonsense(line)
		}
		d := Device{Index: index, UUID: f[1], Bus: f[2], Name: f[3],
			MIG: known(f[6]), Compute: known(f[7]), Persist: known(f[8])}
		for i, to := range map[int]*int64{4: (*int64)(&d.Used), 5: (*int64)(&d.Total), 9: &d.ECC} {
			if *to, err = number(f[i]); err != nil {
				return nil, nil, nonsense(line)
			}
		}
		if len(f) > columns {
			d.Slowed = slowed(f[columns])
		}
		devices = append(devices, d)
	}
	return devices, trouble, nil
}

// ParseProcesses reads the answer to processFields. No process is no error.
func ParseProcesses(text string) ([]Process, error) {
	var processes []Process
	for _, line := range lines(text) {
		if isTrouble(line) {
			continue
		}
		f := strings.SplitN(line+" ", separator, 4) // the blank behind the last comma of one without a name
		if len(f) != 4 {
			return nil, nonsense(line)
		}
		pid, err := number(f[1])
		used, bad := number(f[2])
		if err != nil || bad != nil || pid > math.MaxInt32 {
			return nil, nonsense(line)
		}
		processes = append(processes,
			Process{UUID: f[0], PID: int(max(pid, 0)), Used: MiB(used), Name: strings.TrimSpace(f[3])})
	}
	return processes, nil
}

// slowed reads a mask of clocks_event_reasons.active: the bits that mean "slower than it
// could be" (nvml.h, nvmlClocksEventReasons). Idling and chosen clocks are none of them.
// It is nil for an unknown mask.
func slowed(mask string) []string {
	bits, err := strconv.ParseUint(mask, 0, 64)
	if err != nil {
		return nil
	}
	reasons := []string{}
	for _, r := range []struct {
		bit  uint64
		name string
	}{
		{0x4, "power cap"}, {0x8, "hardware slowdown"}, {0x20, "software thermal slowdown"},
		{0x40, "hardware thermal slowdown"}, {0x80, "power brake"},
	} {
		if bits&r.bit != 0 {
			reasons = append(reasons, r.name)
		}
	}
	return reasons
}

// lines are those with something on them, without the dynamic loader's remarks on stderr: a container may lack the
// library that LD_PRELOAD names, and nvidia-smi answers nevertheless.
func lines(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		remark := strings.HasPrefix(line, "ERROR: ld.so: object ") ||
			strings.Contains(line, ": no version information available ")
		if line != "" && !remark {
			all = append(all, line)
		}
	}
	return all
}

// Beginnings of lines: about a device that has fallen off the bus, and about one
// that can still be used.
const (
	lost    = "Unable to determine the device handle for"
	warning = "WARNING:"
)

// isTrouble reports whether nvidia-smi writes a line among those of an answer, or instead.
func isTrouble(line string) bool {
	for _, prefix := range []string{lost, "No devices were found", "No running processes found", warning} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// known is a word, or "" for one that means "none": "[N/A]", "[Not Supported]",
// "[Insufficient Permissions]", "[GPU requires reset]" ...
func known(word string) string {
	if strings.HasPrefix(word, "[") || word == "N/A" {
		return ""
	}
	return word
}

// number reads a count or MiB; an unknown one is -1, never 0.
func number(word string) (int64, error) {
	if known(word) == "" && word != "" {
		return -1, nil
	}
	n, err := strconv.ParseInt(word, 10, 64)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return n, err
}

func nonsense(line string) error { return fmt.Errorf("unexpected output %.200q", line) }
