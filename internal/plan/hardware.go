package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Hardware are the GPUs of this machine that a plan uses: none for mockers, whose
// devices are nominal, and none for vLLM on the CPU.
type Hardware struct {
	Devices []int         `json:"devices"`   // each once, ascending
	Within  time.Duration `json:"within_ns"` // how long their memory may take to be given back
}

// RealGPUs reports whether cuda_visible_devices of an engine means GPUs. vLLM for
// the CPU says so in its version: "0.31.0+cpu".
func RealGPUs(engine string, vllm Version) bool {
	return engine != "mocker" && !strings.HasSuffix(string(vllm), "+cpu")
}

// hardware believes the vLLM that is installed before the one that the profile names.
func (d *draft) hardware() Hardware {
	if !RealGPUs(d.p.Engine, cmp.Or(d.s.Versions.VLLM, d.plan.Versions.VLLM)) {
		return Hardware{}
	}
	h := Hardware{Within: d.p.Timeouts.GPU}
	for _, s := range d.plan.Services {
		if s.Host == "" {
			h.Devices = append(h.Devices, s.Devices...)
		}
	}
	slices.Sort(h.Devices)
	h.Devices = slices.Compact(h.Devices)
	return h
}
