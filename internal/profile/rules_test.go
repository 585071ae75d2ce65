package profile

import (
	"strings"
	"testing"
)

// head begins a profile of an engine; its four lines come before a row's own.
func head(engine string) string { return "name: a\nkind: b\nengine: " + engine + "\nmodel: m\n" }

func TestNamesAreSafeInPathsAndOptions(t *testing.T) { // F-89
	var rows []row
	for _, bad := range []string{"../x", "a/b", ".", "-rf", "A", "ä", "a b", "a;b", strings.Repeat("a", 65), "$(touch x)"} {
		rows = append(rows, row{"name " + bad, strings.Replace(valid, "name: a", "name: '"+bad+"'", 1), "1:7", words("name", "a-z")})
	}
	checkRows(t, append(rows,
		row{"a kind with a slash", strings.Replace(valid, "kind: b", "kind: a/b", 1), "2:7", words("kind", "a/b")},
		row{"a model that is an option", strings.Replace(valid, "model: m", "model: --help", 1), "4:8", words("option")},
		row{"all that is required, at once", "share_gpu: true\n", "1:1 1:1 1:1 1:1 1:1",
			words("name is missing", "kind is missing", "engine is missing", "model is missing", "no worker")}))
	for engine, kind := range map[string]string{"dynamo": "dynamo_vllm", "vllm": "vllm_serve", "mocker": "dynamo_mocker"} {
		row{"no kind for " + engine, strings.Replace(head(engine), "kind: b\n", "", 1) + "aggregated: [{cuda_visible_devices: [0]}]\n",
			"1:1", words(`add "kind: ` + kind + `"`)}.check(t)
	}
	p := mustParse(t, strings.Replace(valid, "kind: b", "kind: Dynamo_vLLM-2.0", 1))
	if p.Label() != "Dynamo_vLLM-2.0_aggregated" {
		t.Errorf("label %s", p.Label())
	}
}

func TestRolesMakeOneTopology(t *testing.T) {
	p, d, a := "prefill: [{cuda_visible_devices: [0]}]\n", "decode: [{cuda_visible_devices: [1]}]\n", "aggregated: [{cuda_visible_devices: [2]}]\n"
	checkRows(t, []row{
		{"prefill alone", head("dynamo") + p, "1:1", words("prefill without decode")},
		{"decode alone", head("dynamo") + d, "1:1", words("decode without prefill")},
		{"all three", head("dynamo") + p + d + a, "7:13", words("aggregated and prefill (line 5)")},
		{"decode and aggregated", head("dynamo") + d + a, "6:13", words("aggregated and decode (line 5)")},
		{"an empty list is no worker", head("dynamo") + "aggregated: []\n", "5:13", words("no worker")},
		{"vllm has no roles", head("vllm") + p + d, "3:9", words("engine vllm")},
	})
}

func TestGPUsHaveOneOwner(t *testing.T) { // F-83
	checkRows(t, []row{
		{"both workers and both lines are named", head("dynamo") + "prefill:\n  - {cuda_visible_devices: [0]}\n  - {cuda_visible_devices: [1]}\n" +
			"decode:\n  - {cuda_visible_devices: [1, 2, 0, 3], tensor_parallel: 4}\n", "9:5 9:5",
			words("decode-0 and prefill-0 (line 6) both name GPU 0", "decode-0 and prefill-1 (line 7) both name GPU 1", "share_gpu")},
		{"twice in one worker", head("vllm") + "aggregated: [{cuda_visible_devices: [3, 3], tensor_parallel: 2}]\n", "5:41", words("aggregated-0 names GPU 3 twice")},
		{"fewer devices than the product", head("vllm") + "aggregated: [{cuda_visible_devices: [0, 1], tensor_parallel: 2, data_parallel: 2}]\n",
			"5:14", words("tensor_parallel 2 x pipeline_parallel 1 x data_parallel 2 is 4", "names 2")},
		{"more devices than the product", head("vllm") + "aggregated: [{cuda_visible_devices: [0, 1]}]\n", "5:14", words("is 1", "names 2")},
		{"no devices", head("vllm") + "aggregated: [{port: 8001}]\n", "5:14", words("aggregated-0 has no cuda_visible_devices")},
		{"a bad device is not taken for GPU 0", head("dynamo") + "prefill: [{cuda_visible_devices: [zero]}]\ndecode: [{cuda_visible_devices: [0]}]\n",
			"5:35", words("zero")},
		{"the same UUID twice", head("vllm") + "aggregated: [{cuda_visible_devices: [GPU-5c, GPU-5c], tensor_parallel: 2}]\n", "5:46", words("names GPU GPU-5c twice")},
		{"a part of a GPU", head("vllm") + "aggregated: [{cuda_visible_devices: [MIG-5c]}]\n", "5:38", words("MIG-5c", "no UUID of a whole GPU")},
		{"a UUID and an index", head("vllm") + "aggregated: [{cuda_visible_devices: [GPU-5c, 1], tensor_parallel: 2}]\n", "5:46", words("either UUIDs or indices")},
		{"an index and a UUID", head("vllm") + "aggregated: [{cuda_visible_devices: [1, GPU-5c], tensor_parallel: 2}]\n", "5:41", words("plain integer")},
		{"no shell in a UUID", head("vllm") + "aggregated: [{cuda_visible_devices: ['GPU-$(x)']}]\n", "5:38", words("no UUID")},
		{"one UUID of two workers", head("dynamo") + "prefill: [{cuda_visible_devices: [GPU-5c]}]\ndecode: [{cuda_visible_devices: [GPU-5c]}]\n",
			"6:10", words("both name GPU GPU-5c")},
		{"two names of one machine", head("dynamo") + "hosts: {m: {transport: ssh, address: n1}, n: {transport: ssh, address: me@n1}}\n" +
			"prefill: [{cuda_visible_devices: [0], host: m}]\ndecode: [{cuda_visible_devices: [0], host: n}]\n", "7:10", words("GPU 0")},
	})
	uuids := mustParse(t, head("vllm")+"aggregated: [{cuda_visible_devices: [GPU-5c, GPU-7d], tensor_parallel: 2}]\n")
	if w := uuids.Aggregated[0]; strings.Join(w.GPUs(), ",") != "GPU-5c,GPU-7d" || len(w.Devices) > 0 || uuids.GPUs() != 2 {
		t.Errorf("UUIDs: %+v", w)
	}
	two := head("dynamo") + "prefill: [{cuda_visible_devices: [0]}]\ndecode: [{cuda_visible_devices: [0]}]\n"
	if p := mustParse(t, two+"share_gpu: true\n"); p.GPUs() != 1 {
		t.Errorf("one GPU shared by two workers counts %d times", p.GPUs())
	}
	apart := strings.Replace(two, "[0]}]\ndecode", "[0], host: n}]\ndecode", 1) + "hosts: {n: {transport: ssh, address: n1}}\n"
	if p := mustParse(t, apart); p.GPUs() != 2 {
		t.Errorf("GPU 0 of two machines counts as %d", p.GPUs())
	}
}

func TestF10PortsAndWhoServes(t *testing.T) {
	two := "aggregated:\n  - {cuda_visible_devices: [0], port: 8001}\n  - {cuda_visible_devices: [1], port: 8002}\n"
	one := "aggregated: [{cuda_visible_devices: [0]}]\n"
	checkRows(t, []row{
		{"two workers on one port", head("vllm") + strings.Replace(two, "8002", "8001", 1) + "balancer: {}\n", "7:39",
			words("aggregated-1 and aggregated-0 (line 6) both have port 8001")},
		{"the balancer's port by default", head("vllm") + strings.Replace(two, "8002", "8000", 1) + "balancer: {}\n", "7:39", words("balancer (line 8)")},
		{"several servers without a balancer", head("vllm") + two, "1:1", words("2 aggregated workers of engine vllm need a balancer")},
		{"several mockers with ports without a balancer", head("mocker") + two, "1:1", words("engine mocker need a balancer")},
		{"a balancer without its workers' ports", head("vllm") + one + "balancer: {}\n", "5:14", words("aggregated-0 has no port")},
		{"a balancer before Dynamo", head("dynamo") + one + "balancer: {}\n", "6:11", words("frontend spreads the load")},
		{"a balancer and a frontend", head("mocker") + two + "balancer: {}\nfrontend: {port: 1}\n", "9:11", words("exclude each other")},
		{"a frontend before vllm", head("vllm") + one + "frontend: {port: 1}\n", "6:11", words("engine vllm has no frontend")},
		{"a port behind a frontend", head("dynamo") + strings.Replace(one, "[0]", "[0], port: 1", 1), "5:48", words("behind a frontend")},
		{"a balancer and an aiperf that goes round", head("vllm") + two + "balancer: {}\nload: {spread: true}\n", "9:16", words("load.spread and balancer exclude each other")},
		{"one server to go round", head("vllm") + one + "load: {spread: true}\n", "6:16", words("several servers: there is 1")},
		{"no server to go round", head("dynamo") + one + "load: {spread: true}\n", "6:16", words("here the frontend spreads the load")},
		{"a misspelled configuration", head("vllm") + two + "balancer: {config: guied}\n", "8:20", words("guide, tuned or the path")},
		{"an odd router", head("dynamo") + one + "frontend: {router: --kv}\n", "6:20", words("router mode")},
		{"derived options as vLLM also takes them", valid + "engine_args: [--tensor_parallel_size=1, --data-par, '2', --max-model-len, '10']\n", "6:15 6:41",
			words("--tensor_parallel_size is derived from the worker's tensor_parallel", "--data-par is derived from the worker's data_parallel")},
		{"the model once more", valid + "engine_args: [--model, n, --served-model-name=o]\n", "6:15 6:27", words("--model is derived from the profile's model", "the profile's served_name")},
		{"the interpreter of an engine that has none", valid + "python: /bin/python\n", "6:1", words("the key vllm")},
		{"the command of another engine", head("mocker") + one + "vllm: /bin/vllm\n", "6:1", words("the key python")},
		{"a derived option", valid + "engine_args: [-tp, --port=80]\n", "6:15 6:20", words("-tp is derived from the worker's tensor_parallel", "port")},
	})
}

// C26: the devices of a worker are the product of all three parallelisms.
func TestC26PipelineParallel(t *testing.T) {
	p := mustParse(t, head("vllm")+"aggregated: [{cuda_visible_devices: [0, 1, 2, 3], tensor_parallel: 2, pipeline_parallel: 2}]\n")
	if w := p.Aggregated[0]; w.TP != 2 || w.PP != 2 || w.DP != 1 || p.GPUs() != 4 {
		t.Errorf("%+v on %d GPUs", w, p.GPUs())
	}
	checkRows(t, []row{
		{"the flag is named with its key", head("vllm") + "aggregated: [{cuda_visible_devices: [0, 1, 2, 3], tensor_parallel: 2}]\n" +
			"engine_args: [--pipeline-parallel-size, \"2\"]\n", "5:14 6:15",
			words("--pipeline-parallel-size is derived from the worker's pipeline_parallel", "tensor_parallel 2 x pipeline_parallel 1 x data_parallel 1 is 2")},
		{"its short name", valid + "engine_args: [-pp=2]\n", "6:15", words("-pp is derived")},
		{"no stage", valid[:len(valid)-3] + ", pipeline_parallel: 0}]\n", "5:61", words("pipeline_parallel must be a plain integer (1..1024)")},
	})
}

func TestAnArgumentIsNotSplitAtItsBlank(t *testing.T) {
	var rows []row
	for _, arg := range []string{"--block-size 128", "-q fp8", "--block-size\t128", `--kv-transfer-config {"a":1}`, "--x [1]", "--a b=c", "--a =b"} {
		option := arg[:strings.IndexAny(arg, " \t")]
		rows = append(rows,
			row{"of all workers: " + arg, valid + "engine_args: [--ok, '" + arg + "']\n", "6:21", words(option+" and its value", "make them two, ["+option+", VALUE]")},
			row{"of one: " + arg, valid[:len(valid)-3] + ", engine_args: ['" + arg + "']}]\n", "5:56", words(option)})
	}
	checkRows(t, rows)
	for _, arg := range []string{"--a=b c", `--a={"b": 1}`, `-O{"level": 3}`, "-cc[1, 2]", "a b", `{"a": 1}`, "--a"} {
		mustParse(t, valid+"engine_args: ['"+arg+"']\n")
	}
	_, err := atHome.Parse("p", []byte(valid+"engine_args: [--api-key s3cret]\n"))
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the value is shown, and may be a secret: %v", err)
	}
}

func TestEnvironmentIsOrdinaryAndWithoutSecrets(t *testing.T) { // F-8C, S-03
	var rows []row
	for _, name := range []string{"CUDA_VISIBLE_DEVICES", "TMPDIR", "TOPOBENCH_RUN", "SPT_NOENV", "CUDA_DEVICE_ORDER", "DYN_SYSTEM_PORT", "DYN_NAMESPACE", "VLLM_PORT", "VLLM_NIXL_SIDE_CHANNEL_PORT"} {
		rows = append(rows, row{name, valid + "env: {" + name + ": v}\n", "6:7", words(name + " is set by topobench itself")})
	}
	for _, secret := range []string{"hf_abc", "sk-abc", "nvapi-abc", "ghp_abc"} {
		rows = append(rows,
			row{"variable " + secret, valid + "env: {T: " + secret + "}\n", "6:10", words("use ${ENV:NAME}")},
			row{"argument " + secret, valid + "engine_args: [--key=" + secret + "]\n", "6:15", words("use ${ENV:NAME}")})
	}
	for _, reference := range []string{"${ENV:HOME}/hf", "${env:HOME}", "${ENV:A-B}", "${ENV:}"} {
		rows = append(rows, row{"a reference " + reference, valid + "env: {T: '" + reference + "'}\n", "6:10", words("cannot expand")})
	}
	for _, r := range append(rows, row{"a name with a dash", valid + "env: {A-B: v}\n", "6:7", words("not the name")}) {
		r.words[0] = strings.Replace(r.words[0], "use ${ENV", "${ENV", 1)
		t.Run(r.why, func(t *testing.T) {
			r.check(t)
			if _, err := atHome.Parse("p", []byte(r.text)); strings.Contains(err.Error(), "_abc") {
				t.Errorf("the secret itself is shown: %v", err)
			}
		})
	}
	p := mustParse(t, head("vllm")+"aggregated: [{cuda_visible_devices: [0], env: {N: 1, LD_PRELOAD: libtcmalloc.so, PATH: /venv/bin}}]\nenv: {HF_TOKEN: '${ENV:HF_TOKEN}', ODD: \"a;b $(x)\\n'\"}\n")
	if env := p.Aggregated[0].Env; env["LD_PRELOAD"] != "libtcmalloc.so" || env["PATH"] != "/venv/bin" { // C11, C20
		t.Errorf("env of the worker %q", env)
	}
	if p.Env["HF_TOKEN"] != "${ENV:HF_TOKEN}" || p.Env["ODD"] != "a;b $(x)\n'" || p.Aggregated[0].Env["N"] != "1" {
		t.Errorf("env %q, of the worker %q", p.Env, p.Aggregated[0].Env)
	}
}

func TestTheRestIsChecked(t *testing.T) {
	checkRows(t, []row{
		{"no concurrency", valid + "load: {concurrency: []}\n", "6:21", words("concurrency is empty")},
		{"a concurrency twice", valid + "load: {concurrency: [1, 2, 1]}\n", "6:28", words("concurrency 1 is given twice")},
		{"a host nobody defined", head("vllm") + "aggregated: [{cuda_visible_devices: [0], host: n7}]\n", "5:48", words(`host "n7" is not defined`)},
		{"a frontend's host nobody defined", head("dynamo") + "aggregated: [{cuda_visible_devices: [0]}]\nfrontend: {host: n7}\n", "6:18", words(`frontend: host "n7" is not defined`)},
		{"a balancer's host nobody defined", head("vllm") + "aggregated: [{cuda_visible_devices: [0], port: 1}]\nbalancer: {host: n7}\n", "6:18", words(`balancer: host "n7" is not defined`)},
		{"an address that is an option", valid + "hosts: {n: {transport: ssh, address: -oProxyCommand=x}}\n", "6:38", words("needs an address")},
		{"an address of no machine", valid + "hosts: {n: {transport: ssh, address: 0.0.0.0}}\n", "6:38", words("listen: 0.0.0.0")},
		{"an address of every interface, for IPv6", valid + "hosts: {n: {transport: ssh, address: '::'}}\n", "6:38", words("listen: ::")},
		{"two users", valid + "hosts: {n: {transport: ssh, user: a, address: b@n}}\n", "6:47", words("needs an address")},
		{"a user that is an option", valid + "hosts: {n: {transport: ssh, address: n, user: -l}}\n", "6:47", words("name of a user")},
		{"a node that is an option", valid + "hosts: {n: {transport: slurm, node: --uid=0}}\n", "6:37", words("name of a machine")},
		{"a node of the allocation has its address", valid + "hosts: {n: {transport: slurm, address: n1}}\n", "6:40", words("node: NAME")},
		{"the transport's old name", valid + "hosts: {n: {transport: srun}}\n", "6:24", words("write slurm")},
		{"no name to listen on", valid + "hosts: {n: {listen: eth0}}\n", "6:21", words("0.0.0.0", "eth0")},
		{"a Python that nothing runs", valid + "hosts: {n: {python: /p/python}}\n", "6:13", words("engine vllm does not run python")},
		{"a variable of a host that topobench sets", valid + "hosts: {n: {env: {TMPDIR: /x}}}\n", "6:19", words("TMPDIR is set by topobench")},
		{"an address of this machine", valid + "hosts: {n: {transport: local, address: n}}\n", "6:40", words("no address")},
		{"no transport", valid + "hosts: {n: {address: n}}\n", "6:12", words("no transport")},
		{"an odd host name", valid + "hosts: {n/1: {transport: local}}\n", "6:9", words("n/1")},
		{"no version", valid + "versions: {vllm: latest}\n", "6:18", words("1.6.1")},
		{"vllm needs no etcd", valid + "discovery: {etcd: start}\n", "6:19", words("engine vllm has no discovery")},
		{"a URL of another scheme", strings.Replace(valid, "vllm", "dynamo", 1) + "discovery: {etcd: nats://h:1, nats: stop}\n", "6:19 6:37",
			words("discovery.etcd must be start, none or a URL such as http://", "nats://host:port", "stop")},
		{"a password in a URL", strings.Replace(valid, "vllm", "dynamo", 1) + "discovery: {nats: 'nats://u:pw@h:4222'}\n", "6:19", words("credentials")},
	})
}
