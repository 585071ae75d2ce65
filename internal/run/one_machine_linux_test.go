package run

import (
	"errors"
	"strings"
	"testing"
	"time"

	"topobench/internal/deploy"
)

// Two names of one machine have one GPU: its throughput would be divided by two. No wait for busy GPUs helps.
func TestTwoHostsWithOneGPUAreRefused(t *testing.T) {
	two := newTwoHostsWith(t, 0, map[string]string{"node0": "device 0 GPU-a\n", "node1": "device 0 GPU-a\n"})
	two.WaitGPUs = 3 * time.Second
	began := time.Now()
	done, err := two.measure(t)
	_, busy := errors.AsType[*deploy.GPUsBusyError](err)
	if len(done) > 0 || err == nil || busy || !strings.Contains(err.Error(), "node0 and node1 are one machine: both would use GPU 0 (GPU-") {
		t.Errorf("%d topologies, after %v: %v", len(done), time.Since(began), err)
	}
	two.gone(t, "node0", "node1")
}
