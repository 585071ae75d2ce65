package plan

import (
	"fmt"
	"strconv"
	"strings"

	"topobench/internal/profile"
)

// kvTransfer is wanted on prefill and on decode: since Dynamo 1.0 there is no
// default connector any more.
const kvTransfer = `{"kv_connector":"NixlConnector","kv_role":"kv_both"}`

// vllmServers plans one `vllm serve` a worker, flags in the guide's order: the
// settings of the profile, then the parallelism, then the port.
func (d *draft) vllmServers() {
	for i, w := range d.p.Aggregated {
		port := w.Port
		if port == 0 {
			port = portBase(d.p) + offsetFrontend + i
		}
		argv := d.engineArgs([]string{d.s.Programs.VLLM, "serve", d.p.Model}, w)
		if d.plan.Model != d.p.Model {
			argv = append(argv, "--served-model-name", d.plan.Model)
		}
		argv = append(argv, parallel(w)...)
		argv = append(argv, "--host", loopback, "--port", strconv.Itoa(port))
		env, ports := d.gpuEnv(nil, Aggregated, w)
		name := fmt.Sprintf("%s-%d", Aggregated, i)
		d.add(Service{Name: name, Role: Aggregated, Wave: 1, Argv: argv, Env: append(env, pairs(w.Env)...), Devices: w.Devices,
			Ports: append([]Port{{Use: "http", Number: port}}, ports...),
			Gate:  Gate{Kind: GateVLLM, Address: address(port), Model: d.plan.Model}})
		d.count(name, port, "vllm:request_success_total")
		d.backends = append(d.backends, address(port))
		d.seen++
	}
}

// dynamoVLLMArgv is the guide's command with what Dynamo 1.x wants said: the
// role by its new flag, the connector, and decode's tensor parallelism, which
// the guide divides by but forgets to pass.
func (d *draft) dynamoVLLMArgv(role Role, w profile.Worker) []string {
	argv := []string{d.s.Programs.Python, "-m", "dynamo.vllm", "--model", d.p.Model}
	if d.plan.Model != d.p.Model {
		argv = append(argv, "--served-model-name", d.plan.Model)
	}
	argv = append(argv, parallel(w)...)
	if role != Aggregated {
		argv = append(argv, "--disaggregation-mode", string(role), "--kv-transfer-config", kvTransfer)
	}
	return d.engineArgs(argv, w)
}

func parallel(w profile.Worker) []string {
	var argv []string
	if w.TP > 1 {
		argv = append(argv, "--tensor-parallel-size", strconv.Itoa(w.TP))
	}
	if w.DP > 1 {
		argv = append(argv, "--data-parallel-size", strconv.Itoa(w.DP))
	}
	return argv
}

// gpuEnv pins a worker and gives it ports of its own: on one host all workers
// would share 5600 for the NIXL side channel (real port = base + dp rank).
func (d *draft) gpuEnv(env []string, role Role, w profile.Worker) ([]string, []Port) {
	base := portBase(d.p)
	internal := base + offsetInternal + internalStride*d.seen
	env = append(env, "CUDA_DEVICE_ORDER=PCI_BUS_ID", "CUDA_VISIBLE_DEVICES="+join(w.Devices), "VLLM_PORT="+strconv.Itoa(internal))
	if role == Aggregated {
		return env, nil
	}
	side := base + offsetNIXL + nixlStride(d.p)*d.seen
	env = append(env, "VLLM_NIXL_SIDE_CHANNEL_HOST="+loopback, "VLLM_NIXL_SIDE_CHANNEL_PORT="+strconv.Itoa(side))
	return env, []Port{{Use: "nixl", Number: side}}
}

// nixlStride keeps the side channels of neighbours apart: the widest worker decides.
func nixlStride(p profile.Profile) int {
	stride := 1
	for _, workers := range [][]profile.Worker{p.Prefill, p.Decode, p.Aggregated} {
		for _, w := range workers {
			stride = max(stride, w.TP, w.DP)
		}
	}
	return stride
}

func join(devices []int) string {
	text := make([]string, len(devices))
	for i, n := range devices {
		text[i] = strconv.Itoa(n)
	}
	return strings.Join(text, ",")
}
