package cli

// gpuFlags say what happens when the GPUs are busy.
type gpuFlags struct {
	Wait duration `name:"wait-gpus" help:"Wait up to this long for busy GPUs (default: exit 6)." placeholder:"DURATION"`
}
