// Package gpu reads the state of the GPUs through nvidia-smi, and judges whether they are
// free.
//
// An open value ("[N/A]") is unknown and never 0, and text of another kind is an error and
// never an empty answer. All judgements are pure; this package starts and signals nothing.
package gpu

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// MiB is memory; negative is Unknown.
type MiB int64

// Unknown is memory for which the driver has no value.
const Unknown MiB = -1

func (m MiB) String() string {
	if m < 0 {
		return "unknown memory"
	}
	return fmt.Sprintf("%d MiB", int64(m))
}

// Device is one GPU. Index counts in PCI order, as CUDA does with
// CUDA_DEVICE_ORDER=PCI_BUS_ID.
type Device struct {
	Index   int    `json:"index"`
	UUID    string `json:"uuid"`
	Bus     string `json:"pci"` // 00000000:01:00.0
	Name    string `json:"name"`
	Used    MiB    `json:"used_mib"`
	Total   MiB    `json:"total_mib"`
	MIG     string `json:"mig"`             // Enabled, Disabled, or "" where there is none
	Compute string `json:"compute_mode"`    // Default, Exclusive_Process, Prohibited
	Persist string `json:"persistence"`     // Enabled or Disabled
	ECC     int64  `json:"ecc_uncorrected"` // errors since the driver was loaded; negative = unknown
	// Slowed are the reasons why its clocks are reduced at this moment; nil = unknown,
	// empty = they are not.
	Slowed []string `json:"-"`
}

// String names a device for a person: "GPU 0 (GPU-5c...)".
func (d Device) String() string { return fmt.Sprintf("GPU %d (%s)", d.Index, d.UUID) }

// Process has a compute context on a device. The driver knows no pid namespaces:
// in a container the pid may be the host's, or 0.
type Process struct {
	UUID  string // of the device
	PID   int    // 0 = unknown
	Used  MiB
	Name  string // may be hidden: "[Insufficient Permissions]"
	Owner Owner  // see State.Owned
}

// State is the GPUs at one moment.
type State struct {
	Devices   []Device
	Processes []Process
	// Trouble are the lines that nvidia-smi prints instead of a device: "Unable to determine
	// the device handle for GPU3: ...", "WARNING: infoROM is corrupted at gpu ...", and
	// "GPU 3 answers [GPU is lost]" for one without a UUID.
	Trouble []string
}

// Of finds a device.
func (s State) Of(index int) (Device, bool) {
	for _, d := range s.Devices {
		if d.Index == index {
			return d, true
		}
	}
	return Device{}, false
}

// On lists the compute processes of a device, without the server of MPS, which all users of
// the device share.
func (s State) On(d Device) []Process {
	var on []Process
	for _, p := range s.Processes {
		if p.UUID == d.UUID && !p.sharing() {
			on = append(on, p)
		}
	}
	return on
}

// shared reports whether MPS runs on a device.
func (s State) shared(d Device) bool {
	return slices.ContainsFunc(s.Processes, func(p Process) bool { return p.UUID == d.UUID && p.sharing() })
}

// sharing reports whether it is the server of MPS, by the name in NVIDIA's documentation. The
// server starts with the first client and stays after the last.
func (p Process) sharing() bool { return path.Base(p.Name) == "nvidia-cuda-mps-server" }

// Party is whose a process is.
type Party string

// The parties. Unseen: no process here has that pid, so its party is unknown.
const (
	Unseen Party = "unseen"
	Ours   Party = "ours"
	Theirs Party = "not ours"
)

// Owner is whose a pid is, and its user and command.
type Owner struct {
	Party         Party
	User, Command string
}

// describe names a compute process for a person.
func (p Process) describe() string {
	if p.Owner.User == "" {
		return fmt.Sprintf("process %d, which is not visible from here (%s)", p.PID, strings.Trim(p.Name, "[]"))
	}
	return fmt.Sprintf("process %d of %s (%s)", p.PID, p.Owner.User, p.Owner.Command)
}
