package plan

import (
	"slices"
	"strings"
)

// Slow is a variable that costs speed with certain values; without Values it is any that switches something on.
type Slow struct {
	Name   string
	Values []string
	Cost   string
}

// SlowVariables is the table of variables that cost speed.
func SlowVariables() []Slow {
	return []Slow{
		{"CUDA_LAUNCH_BLOCKING", nil, "every launch of a kernel waits for its end"},
		{"NCCL_P2P_DISABLE", nil, "GPUs exchange data through host memory instead of NVLink or PCIe"},
		{"NCCL_P2P_LEVEL", []string{"LOC", "0"}, "GPUs exchange data through host memory instead of NVLink or PCIe"},
		{"NCCL_SHM_DISABLE", nil, "processes of one host exchange data through sockets"},
		{"NCCL_IB_DISABLE", nil, "hosts exchange data over TCP instead of InfiniBand"},
		{"NCCL_NVLS_ENABLE", []string{"0"}, "NVSwitch adds up no data for the GPUs"},
		{"NCCL_DEBUG", []string{"TRACE"}, "NCCL logs every call"},
		{"UCX_LOG_LEVEL", []string{"DEBUG", "TRACE", "REQ", "DATA", "ASYNC", "FUNC", "POLL"},
			"UCX logs every transfer"},
		{"UCX_TLS", []string{"tcp"}, "KV caches move over TCP"},
		{"VLLM_TRACE_FUNCTION", nil, "vLLM logs every call of a function"},
		{"VLLM_LOGGING_LEVEL", []string{"DEBUG"}, "vLLM logs in every step"},
		{"DYN_LOG", []string{"debug", "trace"}, "Dynamo logs every request"},
		{"TORCHDYNAMO_DISABLE", nil, "nothing is compiled"},
		{"TORCH_COMPILE_DISABLE", nil, "nothing is compiled"},
		{"TORCH_DISTRIBUTED_DEBUG", []string{"DETAIL"}, "PyTorch checks every collective operation"},
		{"PYTORCH_NO_CUDA_MEMORY_CACHING", nil, "every tensor waits for the driver to allocate memory"},
		{"TRITON_INTERPRET", nil, "Triton kernels run in an interpreter on the CPU"},
		{"NVIDIA_TF32_OVERRIDE", []string{"0"}, "matrices of 32-bit numbers use no tensor cores"},
		{"PYTHONDEVMODE", nil, "Python checks at run time what it usually skips"},
		{"PYTHONASYNCIODEBUG", nil, "Python records where every coroutine begins"},
		{"PYTHONTRACEMALLOC", nil, "Python records where every object is allocated"},
		{"PYTHONMALLOC", []string{"debug", "malloc_debug", "pymalloc_debug"}, "Python checks every allocation"},
	}
}

// Costs is a variable of a topology's workers that costs speed.
type Costs struct {
	Slow
	Value string
	Own   bool // the profile sets it, not the caller
}

// SlowOf lists the variables of a plan's workers that cost speed, each name and value once.
func SlowOf(p Plan, caller []string) []Costs {
	var all []Costs
	for _, s := range p.Services {
		if !s.Role.Worker() {
			continue
		}
		env, _ := Environ(caller, s.Env) // preflight reports the missing variables
		own, effective := valuesOf(s.Env), valuesOf(env)
		for _, slow := range SlowVariables() {
			value, set := effective[slow.Name]
			_, ours := own[slow.Name]
			c := Costs{slow, value, ours}
			same := func(o Costs) bool { return o.Name == c.Name && o.Value == value && o.Own == ours }
			if set && slow.costs(value) && !slices.ContainsFunc(all, same) {
				all = append(all, c)
			}
		}
	}
	return all
}

func (s Slow) costs(value string) bool {
	is := func(word string) bool { return strings.EqualFold(word, value) }
	if s.Values != nil {
		return slices.ContainsFunc(s.Values, is)
	}
	return !slices.ContainsFunc([]string{"", "0", "false", "off", "no", "n"}, is)
}

// Text is the variable with the values that cost speed: "NCCL_DEBUG=TRACE", or "NCCL_P2P_DISABLE" if any does.
func (s Slow) Text() string {
	if s.Values == nil {
		return s.Name
	}
	return s.Name + "=" + strings.Join(s.Values, "|")
}
