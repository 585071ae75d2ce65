package host

import (
	"regexp"
	"slices"
)

// hintLines is how much of a log is searched for a cause: vLLM's engine names
// it some hundred lines before its API server ends with "See root cause above".
const hintLines = 600

// causes are lines by which a program says why it ends, each with what to do
// next. They come from vLLM 0.31, torch 2.13, transformers 5.17, huggingface_hub
// 1.33, Dynamo 1.6.1 and nginx 1.22. Of two that fit a line the first counts.
func causes() []cause {
	return []cause{
		{regexp.MustCompile(`(?i)gated repo|GatedRepoError|Access to model .* is restricted|Failed to fetch model .*40[13] `),
			"the model is gated: accept its licence on its page at huggingface.co, and export a token of yours as HF_TOKEN"},
		{regexp.MustCompile(`OfflineModeIsEnabled|outgoing traffic has been disabled|HF_HUB_OFFLINE`),
			"the model is not in the local cache, and HF_HUB_OFFLINE forbids a download: fetch it first (hf download MODEL), or unset HF_HUB_OFFLINE"},
		{regexp.MustCompile(`couldn't connect to '|Failed to fetch model .*error sending request|LocalEntryNotFoundError|Max retries exceeded with url|Name or service not known|Temporary failure in name resolution`),
			"the model is not in the local cache and cannot be downloaded from here: fetch it where there is a network (hf download MODEL), or set HTTPS_PROXY"},
		{regexp.MustCompile(`is not a valid model identifier|Failed to fetch model .*404 |RepositoryNotFoundError|Repository Not Found|is not a local folder or a valid repository|Repo id must be in the form`),
			"there is no such model: check model in the profile, an id such as Qwen/Qwen3-0.6B or a directory; a private one needs a token, exported as HF_TOKEN"},
		{regexp.MustCompile(`^ModuleNotFoundError: |\(ModuleNotFoundError: |^\S+: No module named `),
			"this Python lacks a module: name the environment that has it by --python or --vllm (or the profile's python, vllm)"},
		{regexp.MustCompile(`(?i)CUDA out of memory|torch\.OutOfMemoryError|Free memory on device .* is less than desired|No available memory for the cache blocks|larger than the available KV cache`),
			"the GPU's memory does not suffice: see what holds it (nvidia-smi), then lower --max-model-len, change --gpu-memory-utilization or raise tensor_parallel"},
		{regexp.MustCompile(`less than desired CPU memory utilization|less than requested memory for kv|Cannot allocate memory|std::bad_alloc|\bMemoryError\b`),
			"the machine's memory does not suffice: see what holds it (free -g); on the CPU lower VLLM_CPU_KVCACHE_SPACE"},
		{regexp.MustCompile(`Failed to infer device type|Found no NVIDIA driver|No CUDA GPUs are available|Torch not compiled with CUDA|CUDA driver version is insufficient|CUDA-capable device`),
			"no usable GPU: see whether nvidia-smi shows those of cuda_visible_devices, and whether driver and CUDA of this environment fit each other"},
		{regexp.MustCompile(`error: unrecognized arguments|error: argument |error: ambiguous option`),
			"this version does not know an argument, or not that value: correct engine_args; --help of the program lists what it takes"},
		{regexp.MustCompile(`No space left on device|\bENOSPC\b|Disk quota exceeded|Read-only file system`),
			"the disk is full, its quota used up, or it is read-only: see df -h, df -i and the path in this line"},
		{regexp.MustCompile(`failed to create new OS thread|can't start new thread|pthread_create failed|(fork|clone|BlockingIOError).*Resource temporarily unavailable`),
			"the limit on processes and threads is reached: end some, or raise it (ulimit -u; pids.max of a container)"},
		{regexp.MustCompile(`(?i)address already in use|EADDRINUSE`),
			"a port is in use: end the process that has it (ss -ltnp shows it), or choose other ports (port, frontend.port, balancer.port, port_base)"},
	}
}

type cause struct {
	line *regexp.Regexp
	next string
}

// Hint is what to do next about a program that ended with these log lines; ""
// when none of them is known. The last one that is known counts: earlier ones
// may have been warnings.
func Hint(lines []string) string {
	known := causes()
	for _, line := range slices.Backward(lines) {
		for _, c := range known {
			if c.line.MatchString(line) {
				return c.next
			}
		}
	}
	return ""
}
