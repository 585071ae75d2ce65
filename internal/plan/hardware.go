package plan

import (
	"strings"
	"time"
)

// Hardware is the GPUs of this machine that a plan uses: none for mockers, whose devices
// are nominal, and none for vLLM on the CPU.
type Hardware struct {
	Devices []int         `json:"devices"`   // each once, ascending
	Within  time.Duration `json:"within_ns"` // how long the release of their memory may take
}

// RealGPUs reports whether cuda_visible_devices of an engine means GPUs. The version of
// vLLM for the CPU ends in "+cpu", as in "0.31.0+cpu".
func RealGPUs(engine string, vllm Version) bool {
	return engine != "mocker" && !strings.HasSuffix(string(vllm), "+cpu")
}
