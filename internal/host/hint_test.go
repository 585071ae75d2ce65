package host

import (
	"strings"
	"testing"
)

// Each log is the end of a real program's, shortened to the lines around the
// cause, unless the row says where the line is from.
func TestF03F27HintSaysWhatToDoNext(t *testing.T) {
	for _, row := range []struct{ says, log, want string }{
		{"vllm serve, a model that does not exist",
			"huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error.\n" +
				"OSError: nobody/nothing is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'", "there is no such model"},
		{"vllm serve, a gated model",
			"Make sure to have access to it at https://huggingface.co/meta-llama/gated.\n401 Client Error.\n\n" +
				"Cannot access gated repo for url http://127.0.0.1:18399/meta-llama/gated/resolve/main/config.json.\n" +
				"Access to model meta-llama/gated is restricted. You must have access to it and be authenticated to access it. Please log in.", "HF_TOKEN"},
		{"dynamo.vllm, a gated model",
			"Exception: Failed to fetch model 'meta-llama/gated' at revision 'main' from HuggingFace. Is this a valid HuggingFace ID and revision? Error: request error: HTTP status client error (401 Unauthorized) for url (http://127.0.0.1:18399/api/models/meta-llama/gated/revision/main)", "HF_TOKEN"},
		{"vllm serve under HF_HUB_OFFLINE",
			"huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder for the specified revision on the local disk and outgoing traffic has been disabled. " +
				"To enable repo look-ups and downloads online, pass 'local_files_only=False' as input.", "HF_HUB_OFFLINE forbids a download"},
		{"transformers 5.17, utils/hub.py, without a network",
			"OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the cached files.", "cannot be downloaded from here"},
		{"dynamo.vllm without a network",
			"Exception: Failed to fetch model 'nobody/nothing' at revision 'main' from HuggingFace. Is this a valid HuggingFace ID and revision? Error: request error: error sending request for url (http://127.0.0.1:9/api/models/nobody/nothing/revision/main)", "cannot be downloaded from here"},
		{"dynamo.vllm in an environment without vllm",
			"    from vllm.config import VllmConfig\nModuleNotFoundError: No module named 'vllm'", "lacks a module"},
		{"a Python without Dynamo",
			"python3: Error while finding module specification for 'dynamo.mocker' (ModuleNotFoundError: No module named 'dynamo')", "--python"},
		{"dynamo.vllm, a flag it does not know",
			"                   [--enable-log-requests | --no-enable-log-requests]\n__main__.py: error: unrecognized arguments: --nonsense 3", "correct engine_args"},
		{"an environment that is not activated", "ImportError: libcudart.so.12: cannot open shared object file: No such file or directory", "LD_LIBRARY_PATH"},
		{"a torch of another build", "ImportError: /v/_C.abi3.so: undefined symbol: _ZN3c104cuda9SetDeviceEi", "shared library"},
		{"a binary of a newer system", "/bin/x: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /bin/x)", "shared library"},
		{"a preload that the loader ignores", "ERROR: ld.so: object '/n.so' from LD_PRELOAD cannot be preloaded (cannot open shared object file): ignored.", ""},
		{"transformers, a model with its own code", "ValueError: The repository m contains custom code which must be executed to correctly load the model. Please pass the argument `trust_remote_code=True` to allow custom code to be run.", "--trust-remote-code"},
		{"a setting that vLLM repeats", "INFO 11-24 Initializing a V1 LLM engine with config: model='m', trust_remote_code=True, dtype=torch.bfloat16", ""},
		{"vLLM, heads that do not divide", "ValueError: Total number of attention heads (14) must be divisible by tensor parallel size (4).", "tensor_parallel"},
		{"transformers that is too old", "ValueError: The checkpoint you are trying to load has model type `qwen9` but Transformers does not recognize this architecture.", "too old"},
		{"vLLM without the model", "ValueError: Model architectures ['NewForCausalLM'] are not supported for now. Supported architectures: []", "too old"},
		{"a build for other GPUs", "torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device", "compute capability"},
		{"vLLM, a context that does not fit", "ValueError: The model's max seq len (131072) is larger than the maximum number of tokens that can be stored in KV cache (65536).", "--max-model-len"},
		{"CPython 3.12, a full disk", "OSError: [Errno 28] No space left on device: 'profile_export.jsonl'", "the disk is full"},
		{"CPython 3.12, a disk quota", "OSError: [Errno 122] Disk quota exceeded", "the disk is full"},
		{"CPython 3.12 under ulimit -u", "BlockingIOError: [Errno 11] Resource temporarily unavailable", "ulimit -u"},
		{"Go 1.26 under ulimit -u", "runtime: failed to create new OS thread (have 5 already; errno=11)\nruntime: may need to increase max user processes (ulimit -u)", "ulimit -u"},
		{"vllm serve on a port in use", "    sock.bind(addr)\nOSError: [Errno 98] Address already in use", "a port is in use"},
		{"nginx on a port in use", "nginx: [emerg] bind() to 127.0.0.1:18280 failed (98: Address already in use)", "a port is in use"},
		{"torch 2.13 on a machine without a GPU",
			"RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from http://www.nvidia.com/Download/index.aspx", "no usable GPU"},
		{"vLLM 0.31, config/device.py", "RuntimeError: Failed to infer device type, please set the environment variable `VLLM_LOGGING_LEVEL=DEBUG` to turn on verbose logging", "no usable GPU"},
		{"torch's allocator on a full GPU",
			"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.32 GiB. GPU 0 has a total capacity of 79.10 GiB of which 1.02 GiB is free.", "the GPU is out of memory"},
		{"vLLM 0.31, v1/worker/utils.py, on a GPU that another process fills",
			"ValueError: Free memory on device cuda:0 (10.2/79.1 GiB) on startup is less than desired GPU memory utilization (0.95, 75.1 GiB).", "nvidia-smi"},
		{"vLLM 0.31, v1/core/kv_cache_utils.py", "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`", "--gpu-memory-utilization"},
		{"vllm serve with more KV cache than the machine has memory",
			"RuntimeError: Worker failed with error 'Available memory on node 0 (21.53/23.54 GiB) on kv cache allocation is less than requested memory for kv (900.0 GiB). Decrease --kv-cache-memory-bytes, VLLM_CPU_KVCACHE_SPACE", "lower VLLM_CPU_KVCACHE_SPACE"},
		{"the cause stands far above the end",
			"(EngineCore pid=7) ERROR 11-24 11:01:58 [core.py:1] torch.OutOfMemoryError: CUDA out of memory.\n" + strings.Repeat("  File \"core.py\"\n", 300) +
				"RuntimeError: Engine core initialization failed. See root cause above.", "the GPU is out of memory"},
		{"a warning that comes before the cause",
			"ModuleNotFoundError: No module named 'flash_attn'\nOSError: [Errno 98] Address already in use", "a port is in use"},
		{"a warning that every vLLM on a CPU writes", "WARNING 11-24 11:06:48 [indexer_topk.py:35] Failed to import the DeepSelect extension (vllm._deepselect_C): No module named 'vllm._deepselect_C'", ""},
		{"nothing that is known", "Killed\nthe end", ""},
		{"nothing at all", "", ""},
	} {
		got := Hint(strings.Split(row.log, "\n"))
		if (row.want == "") != (got == "") || !strings.Contains(got, row.want) {
			t.Errorf("%s: got %q, want %q", row.says, got, row.want)
		}
	}
}
