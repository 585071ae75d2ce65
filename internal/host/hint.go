package host

import (
	"regexp"
	"slices"
	"strings"
)

// hintLines is how many lines of a log are searched for a cause: vLLM's engine logs it some
// hundred lines before its API server ends with "See root cause above".
const hintLines = 600

// threadsAdvice is the next step where the limit on processes or threads is reached.
const threadsAdvice = "the limit on processes and threads is reached: end some, or raise it " +
	"(ulimit -u; pids.max of a container)"

// causes are the log lines in which a program gives the reason for its end, each with the
// next step. They come from vLLM 0.31, torch 2.13, transformers 5.17, huggingface_hub 1.33,
// Dynamo 1.6.1 and nginx 1.22. The first cause that matches a line counts.
func causes() []cause {
	return []cause{
		{anyOf(`(?i)gated repo`, `GatedRepoError`, `Access to model .* is restricted`,
			`Failed to fetch model .*40[13] `),
			"the model is gated: accept its licence on its page at huggingface.co, and export your token as HF_TOKEN"},
		{anyOf(`OfflineModeIsEnabled`, `outgoing traffic has been disabled`, `HF_HUB_OFFLINE`),
			"the model is not in the local cache, and HF_HUB_OFFLINE forbids a download: " +
				"fetch it first (hf download MODEL), or unset HF_HUB_OFFLINE"},
		{anyOf(`couldn't connect to '`, `Failed to fetch model .*error sending request`, `LocalEntryNotFoundError`,
			`Max retries exceeded with url`, `Name or service not known`, `Temporary failure in name resolution`),
			"the model is not in the local cache and cannot be downloaded from here: " +
				"fetch it where there is a network (hf download MODEL), or set HTTPS_PROXY"},
		{anyOf(`is not a valid model identifier`, `Failed to fetch model .*404 `, `RepositoryNotFoundError`,
			`Repository Not Found`, `is not a local folder or a valid repository`, `Repo id must be in the form`),
			"there is no such model: check model in the profile, an id such as Qwen/Qwen3-0.6B or a directory; " +
				"a private one needs a token, exported as HF_TOKEN"},
		{anyOf(`(ImportError|OSError): .*(cannot open shared object file|undefined symbol)`,
			`error while loading shared libraries: `, "version `(GLIBC|GLIBCXX|CXXABI)_.* not found"),
			"a shared library is missing or of another version: start topobench as you start this program by hand " +
				"(module load, conda activate, LD_LIBRARY_PATH), or name an environment that is complete by " +
				"--python or --vllm"},
		{anyOf(`contains custom code which must be executed`, "consider setting `trust_remote_code=True`"),
			"the model brings Python of its own: if you trust it, add --trust-remote-code to engine_args"},
		{anyOf(`must be divisible by tensor parallel size`, `is not divisible by tensor parallel size`),
			"tensor_parallel must divide the model's attention heads: choose another"},
		{anyOf(`does not recognize this architecture`, `Model architectures \[.*\] (are|is) not supported`),
			"this engine is too old for the model, or does not have it: update it, or choose another model"},
		{anyOf(`no kernel image is available for execution`),
			"this build has no code for this GPU: install one for its compute capability"},
		{anyOf(`^ModuleNotFoundError: `, `\(ModuleNotFoundError: `, `^\S+: No module named `),
			"this Python lacks a module: name the environment that has it by --python or --vllm " +
				"(or the profile's python, vllm)"},
		{anyOf(`(?i)CUDA out of memory`, `torch\.OutOfMemoryError`, `Free memory on device .* is less than desired`,
			`No available memory for the cache blocks`, `larger than the available KV cache`,
			`tokens that can be stored in KV cache`),
			"the GPU is out of memory: see which processes use it (nvidia-smi), then lower --max-model-len, " +
				"change --gpu-memory-utilization or raise tensor_parallel"},
		{anyOf(`less than desired CPU memory utilization`, `less than requested memory for kv`,
			`Cannot allocate memory`, `std::bad_alloc`, `\bMemoryError\b`),
			"this machine is out of memory: see which processes use it (free -g); " +
				"on the CPU lower VLLM_CPU_KVCACHE_SPACE"},
		{anyOf(`Failed to infer device type`, `Found no NVIDIA driver`, `No CUDA GPUs are available`,
			`Torch not compiled with CUDA`, `CUDA driver version is insufficient`, `CUDA-capable device`),
			"no usable GPU: check that nvidia-smi shows those of cuda_visible_devices, " +
				"and that the driver fits the CUDA of this environment"},
		{anyOf(`error: unrecognized arguments`, `error: argument `, `error: ambiguous option`),
			"this version does not have an argument, or does not accept its value: correct engine_args; " +
				"the program's --help lists what it takes"},
		{anyOf(`No space left on device`, `\bENOSPC\b`, `Disk quota exceeded`, `Read-only file system`),
			"the disk is full, its quota is used up, or it is read-only: see df -h, df -i and the path in this line"},
		{anyOf(`failed to create new OS thread`, `can't start new thread`, `pthread_create failed`,
			`(fork|clone|BlockingIOError).*Resource temporarily unavailable`), threadsAdvice},
		{anyOf(`(?i)address already in use`, `EADDRINUSE`),
			"a port is in use: end the process that has it (ss -ltnp shows it), " +
				"or choose other ports (port, frontend.port, balancer.port, port_base)"},
	}
}

func anyOf(patterns ...string) *regexp.Regexp { return regexp.MustCompile(strings.Join(patterns, "|")) }

type cause struct {
	line *regexp.Regexp
	next string
}

// Hint is the next step for a program that ended with these log lines; "" when no line shows
// a known cause. The last known cause counts: earlier ones may have been warnings.
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
