package plan

import (
	"slices"

	"topobench/internal/aiperf"
)

// Deviation is one difference between the guide and what is run. The table is
// closed: the golden tests apply it to the guide's text and allow nothing else.
type Deviation struct {
	ID    string `json:"id"`
	Guide string `json:"guide"` // what the guide does
	Done  string `json:"done"`
	Why   string `json:"why"`
	Since string `json:"since,omitempty"` // version that made it necessary; empty = always
}

// deviation is a row of the table with the plans it applies to.
type deviation struct {
	Deviation
	applies func(Plan) bool
}

// hostVariables set the address that a server listens on.
const hostVariables = "DYN_HTTP_HOST, DYN_SYSTEM_HOST, DYN_TCP_RPC_HOST, DYN_TCP_RESPONSE_STREAM_HOST, " +
	"DYN_EVENT_PLANE_HOST, VLLM_HOST_IP, VLLM_NIXL_SIDE_CHANNEL_HOST"

func always(Plan) bool { return true }

// multiHost: services run on other machines than this one.
func multiHost(p Plan) bool { return len(p.Hosts) > 0 }

// hasDynamo: frontends and workers are Dynamo's, real or simulated.
func hasDynamo(p Plan) bool {
	return slices.ContainsFunc(p.Services, func(s Service) bool { return s.Role == Frontend })
}

// splitDynamo: Dynamo's own vLLM workers, in prefill and decode.
func splitDynamo(p Plan) bool { return p.Engine == "dynamo" && p.Mode == "disaggregated" }

// table is the list of deviations, in the order in which a person meets them.
var table = []deviation{ // never written to
	{Deviation{ID: "mocker",
		Guide: "python -m dynamo.vllm or vllm serve",
		Done:  "python -m dynamo.mocker; in place of vllm serve each mocker has a Dynamo frontend of its own",
		Why:   "the engine is simulated: it uses no GPU, and its numbers predict none"},
		func(p Plan) bool { return p.Simulated }},
	{Deviation{ID: "command",
		Guide: "python -m dynamo.vllm or vllm serve",
		Done:  "the profile's command, with its placeholders replaced",
		Why:   "the profile names another server: how it gets its GPUs, role and address is up to its arguments"},
		func(p Plan) bool { return p.Engine == "command" }},
	{Deviation{ID: "loopback",
		Guide: "servers listen on every address",
		Done:  hostVariables + ", --host, listen 127.0.0.1:PORT",
		Why:   "none of them authenticates its clients"},
		func(p Plan) bool { return !multiHost(p) }},
	{Deviation{ID: "bind-address",
		Guide: "servers listen on every address of their host",
		Done:  "each listens on its host's own address: " + hostVariables + ", --host, listen ADDRESS:PORT",
		Why: "the other hosts must reach it, so it cannot be 127.0.0.1, and none of them authenticates its clients: " +
			"keep that network private"},
		multiHost},
	{Deviation{ID: "request-ports",
		Guide: "Dynamo takes random ports for requests between its processes, and for the answers",
		Done:  "DYN_TCP_RPC_PORT and DYN_TCP_RESPONSE_STREAM_PORT of each process",
		Why:   "the way to a known port is probed from the other hosts before the engines start", Since: "Dynamo 1.0"},
		func(p Plan) bool { return multiHost(p) && p.Choices.Planes }},
	{Deviation{ID: "no-proxy",
		Guide: "the shell's NO_PROXY",
		Done:  "NO_PROXY and no_proxy with the addresses of the hosts, and then those of the shell",
		Why:   "requests between the hosts would go to the shell's proxy"},
		multiHost},
	{Deviation{ID: "named-gpus",
		Guide: "a worker over a whole node has no CUDA_VISIBLE_DEVICES",
		Done:  "CUDA_VISIBLE_DEVICES names all its GPUs",
		Why:   "the GPUs that are counted are the GPUs that are used, however many the node has"},
		multiHost},
	{Deviation{ID: "private-services",
		Guide: "etcd and NATS by docker compose on 2379 and 4222",
		Done: "etcd, nats-server or both, as in the profile, on own ports with fresh data; " +
			"NATS takes messages up to 8 MiB; ETCD_ENDPOINTS, NATS_SERVER set; " +
			"ETCD_UNSUPPORTED_ARCH on other processors than x86",
		Why: "this launch would take the instances of an earlier one for its own workers; " +
			"a long prompt is larger than NATS' 1 MiB"},
		func(p Plan) bool { return p.Choices.Etcd == Started || p.Choices.NATS == Started }},
	{Deviation{ID: "external-services",
		Guide: "etcd and NATS by docker compose on 2379 and 4222",
		Done:  "those at the URLs of the profile; ETCD_ENDPOINTS, NATS_SERVER set",
		Why:   "the profile names servers that run already"},
		func(p Plan) bool { return len(p.External) > 0 }},
	{Deviation{ID: "file-discovery",
		Guide: "etcd by docker compose",
		Done:  "no etcd: DYN_DISCOVERY_BACKEND=file",
		Why:   "the profile has no discovery service: workers find each other by files", Since: "Dynamo 1.0"},
		func(p Plan) bool { return hasDynamo(p) && p.Choices.Etcd == Absent }},
	{Deviation{ID: "zmq-events",
		Guide: "NATS by docker compose",
		Done:  "no NATS: DYN_EVENT_PLANE=zmq",
		Why:   "the profile has no NATS: workers publish their events themselves", Since: "Dynamo 1.0"},
		func(p Plan) bool { return hasDynamo(p) && p.Choices.NATS == Absent }},
	{Deviation{ID: "bookkeeping",
		Guide: "the shell's environment",
		Done: "the shell's environment without a closed list of variables (topobench help environment), with " +
			"TOPOBENCH_RUN, SPT_NOENV, TMPDIR, PYTHONUNBUFFERED, CUDA_DEVICE_ORDER, DYN_NAMESPACE, " +
			"DYN_SYSTEM_PORT, VLLM_PORT; VLLM_NO_USAGE_STATS, DO_NOT_TRACK, HF_HUB_DISABLE_TELEMETRY; " +
			"a program's own directory first on its PATH",
		Why: "every process must be found again, and no variable of the shell may misdirect it"},
		always},
	{Deviation{ID: "kernel-cache",
		Guide: "compiled kernels in /tmp and ~/.triton",
		Done:  "TORCHINDUCTOR_CACHE_DIR and TRITON_CACHE_DIR, those of the shell, else in topobench's cache",
		Why:   "TMPDIR is removed at the end of a run, and each launch would compile again"},
		func(p Plan) bool { return p.Choices.Kernels != "" }},
	{Deviation{ID: "planes",
		Guide: "Dynamo's defaults",
		Done: "DYN_DISCOVERY_BACKEND, DYN_EVENT_PLANE, DYN_REQUEST_PLANE=tcp and a fresh DYN_FILE_KV, " +
			"as the profile's discovery requires",
		Why: "the defaults differ from version to version"},
		func(p Plan) bool { return p.Choices.Planes }},
	{Deviation{ID: "no-drain",
		Guide: "Dynamo drains for its grace period",
		Done:  "DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0, DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS=0",
		Why:   "the load has ended when a topology is taken down: no request is in flight"},
		hasDynamo},
	{Deviation{ID: "nginx-paths",
		Guide: "sudo cp nginx.conf /etc/nginx, service nginx restart",
		Done:  "own prefix, -g with daemon off and pid, access_log off and *_temp_path in the run directory",
		Why:   "the compiled-in paths belong to root, and topobench changes nothing under /etc"},
		func(p Plan) bool { return p.Balancer != "" }},
	{Deviation{ID: "nginx-user",
		Guide: "nginx's workers run as the user of /etc/nginx or nobody",
		Done:  "-g \"user root;\"",
		Why:   "root starts it, and no other user could enter the run's private directory"},
		func(p Plan) bool { return p.Choices.NginxAsRoot }},
	{Deviation{ID: "nginx-conf",
		Guide: "the guide's nginx.conf",
		Done:  "the profile's balancer.config",
		Why:   "the profile sets it: tuned streams without buffering, keeps connections and never ejects a server"},
		func(p Plan) bool { return p.Balancer != "" && p.Balancer != "guide" }},
	{Deviation{ID: "spread",
		Guide: "NGINX before the servers, --url of NGINX",
		Done:  "no balancer: --url of each server, aiperf sends to them in turn",
		Why:   "the profile sets load.spread: no hop through a proxy, and turns instead of least_conn",
		Since: "aiperf 0.7"},
		func(p Plan) bool { return len(p.Load.URLs) > 1 }},
	{Deviation{ID: "decode-tp",
		Guide: "decode without --tensor-parallel-size",
		Done:  "--tensor-parallel-size of the profile",
		Why:   "perf.sh divides by decode's TP, which the guide forgets to pass"},
		func(p Plan) bool { return p.Choices.DecodeTP > 0 }},
	{Deviation{ID: "roles",
		Guide: "--is-prefill-worker, decode without a flag",
		Done:  "--disaggregation-mode prefill|decode and --kv-transfer-config",
		Why:   "a decode worker without a mode registers as aggregated; there is no default connector",
		Since: "Dynamo 1.0"},
		func(p Plan) bool { return p.Choices.Connector }},
	{Deviation{ID: "decode-role",
		Guide: "decode without a flag",
		Done:  "--is-decode-worker",
		Why:   "decode and aggregated workers look the same without it", Since: "Dynamo 0.6"},
		func(p Plan) bool { return splitDynamo(p) && p.Choices.RoleFlags == RoleByTwo }},
	{Deviation{ID: "nixl-ports",
		Guide: "one side channel port for all",
		Done:  "VLLM_NIXL_SIDE_CHANNEL_PORT and VLLM_PORT of its own for each worker",
		Why:   "workers of one host would collide on 5600", Since: "Dynamo 0.6"},
		func(p Plan) bool { return p.Mode == "disaggregated" && p.Choices.SidePorts }},
	{Deviation{ID: "log-requests",
		Guide: "--disable-log-requests",
		Done:  "not passed",
		Why:   "vLLM no longer has the flag, and logs requests only with --enable-log-requests",
		Since: "vLLM 0.10.1"},
		func(p Plan) bool { return p.Engine == "vllm" && !p.Choices.QuietServers }},
	{Deviation{ID: "local-model",
		Guide: "a model of the hub",
		Done: "a directory: HF_HUB_OFFLINE=1 for the servers; " +
			"HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE unset for aiperf",
		Why: "no server looks it up on the hub; aiperf 0.13 refuses a local tokenizer when either is set"},
		func(p Plan) bool { return p.Choices.LocalModel || p.Choices.LocalTokenizer }},
	{Deviation{ID: "trust-remote-code",
		Guide: "aiperf loads a tokenizer without its own Python",
		Done:  "--tokenizer-trust-remote-code",
		Why:   "engine_args has --trust-remote-code, and without it aiperf refuses the tokenizer of such a model"},
		func(p Plan) bool { return p.Load.TrustRemote }},
	{Deviation{ID: "load-env",
		Guide: "aiperf in the shell's environment",
		Done: "TERM=dumb, COLUMNS=120; AIPERF_SERVICE_REGISTRATION_TIMEOUT=300, AIPERF_SERVICE_START_TIMEOUT=300; " +
			"AIPERF_DATASET_CONFIGURATION_TIMEOUT, AIPERF_SERVICE_PROFILE_CONFIGURE_TIMEOUT and " +
			"AIPERF_HTTP_CONNECTION_LIMIT as the largest cell needs; the caller's AIPERF_* win",
		Why: "on few cores its services need more than its 30 s to register, and long prompts more than its 300 s; " +
			"a program reads its output"},
		always},
	{Deviation{ID: "artifact-dir",
		Guide: "--artifact-dir artifacts_N/-concurrencyC",
		Done:  "a directory for each attempt; the accepted one is published there",
		Why:   "plot_pareto.py would draw half-written and failed cells"},
		always},
	{Deviation{ID: "seed",
		Guide: "--random-seed 100",
		Done:  "another --random-seed",
		Why:   "--seed sets it: other prompts than the guide's"},
		func(p Plan) bool { return p.Load.Seed != aiperf.GuideSeed }},
	{Deviation{ID: "fresh-prompts",
		Guide: "one --random-seed for all concurrencies",
		Done:  "--random-seed plus the concurrency",
		Why:   "--fresh-prompts sets it: with one seed each level repeats the prompts of the level before"},
		func(p Plan) bool { return p.Load.FreshPrompts }},
	{Deviation{ID: "quiet-load",
		Guide: "--ui simple",
		Done:  "--ui none, and from aiperf 0.9 on --no-gpu-telemetry --no-server-metrics",
		Why:   "2.3 s less a cell; the profile does not set load.exact"},
		func(p Plan) bool { return !p.Load.Exact }},
	{Deviation{ID: "load-args",
		Guide: "perf.sh's arguments of aiperf",
		Done:  "the arguments of load.args after them",
		Why:   "the profile sets them: the requests may be others than the guide's"},
		func(p Plan) bool { return len(p.Load.Args) > 0 }},
	{Deviation{ID: "smoke",
		Guide: "\"check the logs\"",
		Done:  "streamed completions with the load's own headers and body until every worker has served one",
		Why: "the first request through a pair takes seconds, and a worker that never serves " +
			"would only show in the numbers"},
		always},
}

// deviations are the rows of the table that apply to a plan.
func deviations(p Plan) []Deviation {
	var rows []Deviation
	for _, row := range table {
		if row.applies(p) {
			rows = append(rows, row.Deviation)
		}
	}
	return rows
}

// NVExtDropped is added when the server answered the load's own body with 400.
func NVExtDropped(answer string) Deviation {
	return Deviation{ID: "nvext", Guide: `--extra-inputs {"nvext":{"ignore_eos":true}}`, Done: "not sent",
		Why: "the server answers it with 400: " + answer, Since: "Dynamo 1.3"}
}
