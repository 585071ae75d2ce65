package cli_test

import "testing"

// Faults of GPUs, against a fake nvidia-smi; the script says what is expected.

func TestF11GPUIndexMissing(t *testing.T)          { scripts(t, "gpu-missing") }
func TestF12WorkersGetTheirGPUs(t *testing.T)      { scripts(t, "gpu-order") }
func TestF13GPUUsedByAnother(t *testing.T)         { scripts(t, "gpu-busy") }
func TestF14GPULostBetweenTopologies(t *testing.T) { scripts(t, "gpu-lost") }
func TestF15NvidiaSMIHangs(t *testing.T)           { scripts(t, "gpu-unknown") }
func TestF33GPUSharedInACell(t *testing.T)         { scripts(t, "gpu-shared") }
func TestF60GPUMemoryComesBackLate(t *testing.T)   { scripts(t, "gpu-memory") }
func TestP7GPUClaimedByAnotherRun(t *testing.T)    { scripts(t, "gpu-claim") }
