package plan

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/profile"
)

// kvTransfer goes to prefill and decode workers: Dynamo has had no default connector since
// 1.0. A connector in engine_args replaces it.
const kvTransfer = `{"kv_connector":"NixlConnector","kv_role":"kv_both"}`

// kvEvents reports the blocks of a worker to the router. vLLM binds an endpoint with "*"
// and connects to any other, so this one cannot be on loopback.
const kvEvents = `{"publisher":"zmq","topic":"kv-events","endpoint":"tcp://*:%d","enable_kv_cache_events":true}`

// publishes reports whether a worker sends KV events: only a router in kv mode receives
// them, and decode workers send none. Dynamo 0.5 allocates the ports itself.
func (b *builder) publishes(role Role) bool {
	return b.plan.Choices.SidePorts && role != Decode && b.plan.Choices.Router == "kv"
}

// connector is the --kv-transfer-config of a worker; "" = none.
func (b *builder) connector(role Role, w profile.Worker) string {
	config := option(b.engineArgs(w), "kv-transfer-config")
	if config == "" && role != Aggregated && b.plan.Choices.Connector {
		return kvTransfer
	}
	return config
}

func (b *builder) eventPort() int { return portBase(b.p) + offsetEvents + nixlStride(b.p)*b.workers }

// vllmServers plans one `vllm serve` a worker.
func (b *builder) vllmServers() {
	for i, w := range b.p.Aggregated {
		port, address := b.serverPort(i, w), b.address(w.Host)
		args := b.workerArgs(w)
		if b.plan.Choices.QuietServers {
			args = append(args, "--disable-log-requests")
		}
		args = slices.Concat(args, b.engineArgs(w), []string{"--host", b.bind(w.Host), "--port", strconv.Itoa(port)})
		argv := append([]string{b.on(w.Host).Programs.VLLM, "serve", b.p.Model}, ordered(args)...)
		env, ports := b.gpuEnv(b.modelEnv(), Aggregated, w)
		s := Service{Name: fmt.Sprintf("%s-%d", Aggregated, i), Role: Aggregated, Host: w.Host, Wave: 1,
			Argv: argv, Env: env, Devices: w.Devices, Options: b.optionsOf(w),
			Ports: append([]Port{{Use: "http", Number: port}}, ports...),
			Gate:  Gate{Kind: GateVLLM, Address: at(address, port), Model: b.plan.Model}}
		b.add(s, w.Env)
		b.count(w, counter(s, "vllm:request_success_total"))
		b.backends = append(b.backends, s.Gate.Address)
		b.workers++
	}
}

// count adds the request counter of a worker, unless its arguments switch counters off: without one of them no share
// of the requests can be judged.
func (b *builder) count(w profile.Worker, c Counter) {
	smoke := &b.plan.Smoke
	switch {
	case profile.HasOption(b.engineArgs(w), profile.NoCounters):
		smoke.Uncounted = "--" + profile.NoCounters + " takes the request counters away"
		smoke.Counters = nil
	case smoke.Uncounted == "":
		smoke.Counters = append(smoke.Counters, c)
	}
}

// serverPort is the port of the i-th worker, if it takes requests itself.
func (b *builder) serverPort(i int, w profile.Worker) int {
	return cmp.Or(w.Port, portBase(b.p)+offsetFrontend+i)
}

// dynamoVLLMArgv is the guide's command with the flags that the version requires for role and connector, and with
// decode's tensor parallelism, which the guide divides by but forgets to pass.
func (b *builder) dynamoVLLMArgv(role Role, w profile.Worker) []string {
	args := append([]string{"--model", b.p.Model}, b.workerArgs(w)...)
	args = append(args, b.plan.Choices.RoleFlags.args(role)...)
	args = append(args, b.engineArgs(w)...)
	if config := b.connector(role, w); config == kvTransfer {
		args = append(args, "--kv-transfer-config", config)
	}
	if b.publishes(role) && b.rules.connector && option(args, "kv-events-config") == "" {
		args = append(args, "--kv-events-config", fmt.Sprintf(kvEvents, b.eventPort()))
	}
	return append([]string{b.on(w.Host).Programs.Python, "-m", "dynamo.vllm"}, ordered(args)...)
}

// workerArgs are the name that requests use, unless it is the model itself, and the parallelism of a worker.
func (b *builder) workerArgs(w profile.Worker) (args []string) {
	if b.plan.Model != b.p.Model {
		args = append(args, "--served-model-name", b.plan.Model)
	}
	if w.TP > 1 {
		args = append(args, "--tensor-parallel-size", strconv.Itoa(w.TP))
	}
	if w.PP > 1 {
		args = append(args, "--pipeline-parallel-size", strconv.Itoa(w.PP))
	}
	if w.DP > 1 {
		args = append(args, "--data-parallel-size", strconv.Itoa(w.DP))
	}
	return args
}

// modelEnv keeps engines from looking up a local model on the hub.
func (b *builder) modelEnv() []string {
	if b.plan.Choices.LocalModel {
		return []string{"HF_HUB_OFFLINE=1"}
	}
	return nil
}

// pin is the environment that gives a worker its GPUs, counted as nvidia-smi counts them.
func pin(w profile.Worker) []string {
	return []string{"CUDA_DEVICE_ORDER=PCI_BUS_ID",
		"CUDA_VISIBLE_DEVICES=" + strings.Join(w.GPUs(), ",")}
}

// gpuEnv pins a worker and gives it ports of its own: on one host all workers
// would share 5600 for the NIXL side channel (real port = base + dp rank).
func (b *builder) gpuEnv(env []string, role Role, w profile.Worker) ([]string, []Port) {
	base := portBase(b.p)
	internal := base + offsetInternal + internalStride*b.workers
	env = append(append(env, pin(w)...), b.kernelEnv(w.Host)...)
	if b.p.Dynamo() && !b.plan.Choices.SidePorts {
		return env, nil
	}
	env = append(env, "VLLM_PORT="+strconv.Itoa(internal), "VLLM_HOST_IP="+b.address(w.Host))
	ports := []Port{{Use: "internal", Number: internal}} // vLLM takes further ones from here upwards
	if role == Aggregated {
		return env, ports
	}
	side := base + offsetNIXL + nixlStride(b.p)*b.workers
	env = append(env, "VLLM_NIXL_SIDE_CHANNEL_HOST="+b.address(w.Host),
		"VLLM_NIXL_SIDE_CHANNEL_PORT="+strconv.Itoa(side))
	return env, append(ports, Port{Use: "nixl", Number: side})
}

// KernelVariables are the places of kernels that PyTorch and Triton compile, by the name of the directory.
func KernelVariables() map[string]string {
	return map[string]string{"inductor": "TORCHINDUCTOR_CACHE_DIR", "triton": "TRITON_CACHE_DIR"}
}

// kernelEnv keeps compiled kernels for the next launch, where the caller names no place: PyTorch's own place is in
// TMPDIR, which goes with the run.
func (b *builder) kernelEnv(host string) []string {
	on, set := b.on(host), map[string]string{}
	for dir, name := range KernelVariables() {
		if on.Kernels != "" && b.plan.Choices.Kernels != "" && !slices.Contains(on.Inherit, name) {
			set[name] = filepath.Join(on.Kernels, dir)
		}
	}
	return pairs(set)
}

// nixlStride keeps the side channels of neighbours apart: the widest worker decides.
func nixlStride(p profile.Profile) int {
	stride := 1
	for _, w := range slices.Concat(p.Prefill, p.Decode, p.Aggregated) {
		stride = max(stride, w.TP*w.PP, w.DP)
	}
	return stride
}
