package report

// Columns of the power of the GPUs, which the sidecar of a cell has.
const (
	wattsPerGPU    = "watts_per_gpu"
	tokensPerJoule = "tokens_per_joule"
)

func powerColumns() []string { return []string{wattsPerGPU, tokensPerJoule} }

// addPower adds the power and the output tokens for each joule of it. Without a measured power both are absent.
func (r *Row) addPower() {
	p := r.cell.Power
	if p == nil || p.Watts <= 0 || r.cell.Err != nil {
		return
	}
	r.Numbers[wattsPerGPU] = p.Watts
	if y, ok := r.Numbers[perGPU]; ok {
		r.Numbers[tokensPerJoule] = y / p.Watts
	}
}
