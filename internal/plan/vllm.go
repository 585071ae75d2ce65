package plan

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"topobench/internal/profile"
)

// kvTransfer is wanted on prefill and on decode: since Dynamo 1.0 there is no
// default connector any more. One in engine_args takes its place.
const kvTransfer = `{"kv_connector":"NixlConnector","kv_role":"kv_both"}`

// kvEvents tells the router which blocks a worker holds. vLLM binds where the
// endpoint has a "*" and connects otherwise, so this one cannot be on loopback.
const kvEvents = `{"publisher":"zmq","topic":"kv-events","endpoint":"tcp://*:%d","enable_kv_cache_events":true}`

// publishes reports whether a worker sends KV events: only a router in kv mode
// listens, and decode workers never do (Dynamo 0.6 and newer; 0.5 allocates the
// ports itself).
func (d *draft) publishes(role Role) bool {
	return d.p.Engine == "dynamo" && d.rules.nixlPorts && role != Decode && d.routesByKV()
}

func (d *draft) routesByKV() bool { return d.p.Frontend != nil && d.p.Frontend.Router == "kv" }

func (d *draft) eventPort() int { return portBase(d.p) + offsetEvents + nixlStride(d.p)*d.seen }

// vllmServers plans one `vllm serve` a worker.
func (d *draft) vllmServers() {
	for i, w := range d.p.Aggregated {
		port, bind := w.Port, d.bind(w.Host)
		if port == 0 {
			port = portBase(d.p) + offsetFrontend + i
		}
		args := append(d.modelArgs(nil), parallel(w)...)
		if d.rules.logsOff {
			args = append(args, "--disable-log-requests")
		}
		args = append(d.engineArgs(args, w), "--host", bind, "--port", strconv.Itoa(port))
		argv := append([]string{d.s.Programs.VLLM, "serve", d.p.Model}, ordered(args)...)
		env, ports := d.gpuEnv(d.modelEnv(), Aggregated, w)
		s := Service{Name: fmt.Sprintf("%s-%d", Aggregated, i), Role: Aggregated, Host: w.Host, Wave: 1, Argv: argv, Env: env, Devices: w.Devices,
			Ports: append([]Port{{Use: "http", Number: port}}, ports...),
			Gate:  Gate{Kind: GateVLLM, Address: at(bind, port), Model: d.plan.Model}}
		d.add(s, w.Env)
		d.plan.Smoke.Counters = append(d.plan.Smoke.Counters, counter(s, "vllm:request_success_total"))
		d.backends = append(d.backends, s.Gate.Address)
		d.seen++
	}
}

// dynamoVLLMArgv is the guide's command with what the version wants said: the
// role, the connector, and decode's tensor parallelism, which the guide divides
// by but forgets to pass.
func (d *draft) dynamoVLLMArgv(role Role, w profile.Worker) []string {
	args := append(d.modelArgs([]string{"--model", d.p.Model}), parallel(w)...)
	args = append(args, d.rules.roleArgs(role)...)
	args = d.engineArgs(args, w)
	if d.rules.connector && role != Aggregated && option(args, "kv-transfer-config") == notGiven {
		args = append(args, "--kv-transfer-config", kvTransfer)
	}
	if d.publishes(role) && d.rules.connector && option(args, "kv-events-config") == notGiven {
		args = append(args, "--kv-events-config", fmt.Sprintf(kvEvents, d.eventPort()))
	}
	return append([]string{d.s.Programs.Python, "-m", "dynamo.vllm"}, ordered(args)...)
}

// modelArgs adds the name that requests use, where it is not the model itself.
func (d *draft) modelArgs(args []string) []string {
	if d.plan.Model == d.p.Model {
		return args
	}
	return append(args, "--served-model-name", d.plan.Model)
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

// modelEnv keeps a model that is a directory from being asked for elsewhere.
func (d *draft) modelEnv() []string {
	if filepath.IsAbs(d.p.Model) {
		return []string{"HF_HUB_OFFLINE=1"}
	}
	return nil
}

// gpuEnv pins a worker and gives it ports of its own: on one host all workers
// would share 5600 for the NIXL side channel (real port = base + dp rank).
func (d *draft) gpuEnv(env []string, role Role, w profile.Worker) ([]string, []Port) {
	base := portBase(d.p)
	internal := base + offsetInternal + internalStride*d.seen
	env = append(env, "CUDA_DEVICE_ORDER=PCI_BUS_ID", "CUDA_VISIBLE_DEVICES="+join(w.Devices))
	if !d.rules.nixlPorts && d.p.Engine == "dynamo" {
		return env, nil
	}
	env = append(env, "VLLM_PORT="+strconv.Itoa(internal), "VLLM_HOST_IP="+d.bind(w.Host))
	ports := []Port{{Use: "internal", Number: internal}} // vLLM takes further ones from here upwards
	if role == Aggregated {
		return env, ports
	}
	side := base + offsetNIXL + nixlStride(d.p)*d.seen
	env = append(env, "VLLM_NIXL_SIDE_CHANNEL_HOST="+d.bind(w.Host), "VLLM_NIXL_SIDE_CHANNEL_PORT="+strconv.Itoa(side))
	return env, append(ports, Port{Use: "nixl", Number: side})
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
