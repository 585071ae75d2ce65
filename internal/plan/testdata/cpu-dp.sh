#!/usr/bin/env bash
# cpu-dp: vllm_dp_cpu_aggregated, 2 GPUs, vllm
# differs from the guide (loopback): servers listen on every address -> DYN_HTTP_HOST, DYN_SYSTEM_HOST, DYN_TCP_RPC_HOST, DYN_TCP_RESPONSE_STREAM_HOST, DYN_EVENT_PLANE_HOST, VLLM_HOST_IP, VLLM_NIXL_SIDE_CHANNEL_HOST, --host, listen 127.0.0.1:PORT
# differs from the guide (bookkeeping): the shell's environment -> a built environment, which plan prints: TOPOBENCH_RUN, SPT_NOENV, TMPDIR, PYTHONUNBUFFERED, CUDA_DEVICE_ORDER, DYN_NAMESPACE, DYN_SYSTEM_PORT, VLLM_PORT; VLLM_NO_USAGE_STATS, DO_NOT_TRACK, HF_HUB_DISABLE_TELEMETRY
# differs from the guide (log-requests): --disable-log-requests -> not passed
# differs from the guide (local-model): a model of the hub -> a directory: HF_HUB_OFFLINE=1 for the servers; HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE unset for aiperf
# differs from the guide (load-env): aiperf in the shell's environment -> AIPERF_SERVICE_REGISTRATION_TIMEOUT=300, AIPERF_SERVICE_START_TIMEOUT=300, TERM=dumb, COLUMNS=120
# differs from the guide (artifact-dir): --artifact-dir artifacts_N/-concurrencyC -> a directory for each attempt; what was accepted is published there
# differs from the guide (quiet-load): --ui simple -> --ui none, and from aiperf 0.9 on --no-gpu-telemetry --no-server-metrics
# differs from the guide (smoke): "check the logs" -> streamed completions with the load's own body until every worker has served one
set -euo pipefail
umask 077
pids=()
grace=30 # seconds
call=$(date +%y%m%d-%H%M%S)-$$
lives() { grep -qsE "^[0-9]+ \(.*\) [^ZX] [0-9]+ $1 " /proc/[0-9]*/stat; } # in group $1
stop() {
  local i pid began=$SECONDS
  for ((i=${#pids[@]}-1; i>=0; i--)); do kill "${pids[i]}" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do
    while lives "$pid"; do
      if ((SECONDS >= began + grace)); then kill -KILL -- "-$pid" 2>/dev/null || true; fi
      sleep 0.1
    done
  done
  wait
  pids=()
}
trap 'trap "grace=0" HUP INT TERM; stop' EXIT # a second Ctrl-C: no more patience
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
start() {
  local log=$1; shift
  set -m
  env -i "${inherited[@]}" env "$@" </dev/null >>"$log" 2>&1 &
  set +m
  pids+=($!)
}
until_true() {
  local what=$1; shift
  until "$@" >/dev/null 2>&1; do
    for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null || { echo "a process died while waiting for $what: see the logs" >&2; exit 1; }; done
    sleep 0.2
  done
  echo "ready: $what"
}
answers() { curl -fsS --noproxy '*' "$1"; }
says() { curl -sS --noproxy '*' "$1" | grep -F -- "$2"; }
counts() { [ "$(curl -sS --noproxy '*' "$1" | grep -oF -- "$2" | wc -l)" -eq "$3" ]; }
listens() { (exec 3<>"/dev/tcp/$1/$2"); }
complete() {
  answer=$(curl -sS --noproxy '*' --max-time 300 -w '\n%{http_code}' -H 'Content-Type: application/json' -d "$2" "$1/v1/chat/completions" || true)
  code=${answer##*$'\n'} answer=${answer%$'\n'*}
}
serves() {
  local began=$SECONDS
  until complete "$1" "$2"; [ "$code" = 200 ]; do
    if [ "$code" = 400 ] || ((SECONDS >= began + $3)); then echo "$1 does not serve: HTTP $code: $answer" >&2; exit 1; fi
    sleep 0.2
  done
}
inherited=()
for name in HOME PATH; do if [ -n "${!name+set}" ]; then inherited+=("$name=${!name}"); fi; done
case "${1:-}" in ""|launch) ;; *) echo "usage: bash $0 [launch]" >&2; exit 2;; esac

# Directories and files, new for each call.
mkdir -p /runs/x
mkdir /runs/x/t-"$call"
echo logs: /runs/x/t-"$call"
mkdir -p /runs/x/t-"$call"/logs

# aggregated-0
start /runs/x/t-"$call"/logs/aggregated-0.log TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 HF_HUB_OFFLINE=1 CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=0,1 VLLM_PORT=28000 VLLM_HOST_IP=127.0.0.1 OMP_NUM_THREADS=1 VLLM_CPU_KVCACHE_SPACE=1 VLLM_CPU_OMP_THREADS_BIND=nobind nice -n 19 vllm serve /cache/models/tiny --served-model-name tiny --max-model-len 2048 --data-parallel-size 2 --dtype bfloat16 --enforce-eager --load-format dummy --host 127.0.0.1 --port 18220

until_true aggregated-0 answers http://127.0.0.1:18220/health
until_true aggregated-0 says http://127.0.0.1:18220/v1/models tiny

echo "up: load goes to http://localhost:18220"
if [ "${1:-}" = launch ]; then while :; do sleep 1; done; fi

# perf.sh's load, into a new directory.
free=0
while [ -e artifacts_root/artifacts_"$free" ]; do free=$((free + 1)); done
mkdir -p artifacts_root
mkdir artifacts_root/artifacts_"$free"
echo results: artifacts_root/artifacts_"$free"
cat >artifacts_root/artifacts_"$free"/deployment_config.json <<END-OF-FILE
{
  "kind": "vllm_dp_cpu",
  "model": "tiny",
  "input_sequence_length": 100,
  "output_sequence_length": 20,
  "tensor_parallelism": 1,
  "data_parallelism": 2,
  "prefill_tensor_parallelism": 0,
  "prefill_data_parallelism": 0,
  "decode_tensor_parallelism": 0,
  "decode_data_parallelism": 0,
  "mode": "aggregated",
  "name": "cpu-dp",
  "engine": "vllm",
  "num_gpus": 2,
  "workers": [
    {
      "role": "aggregated",
      "cuda_visible_devices": [
        0,
        1
      ],
      "tensor_parallel": 1,
      "data_parallel": 2
    }
  ],
  "settings": {
    "block-size": "default",
    "dtype": "bfloat16",
    "enable-prefix-caching": "default",
    "enforce-eager": "on",
    "engine": "vLLM of unknown version",
    "gpu-memory-utilization": "default",
    "kv-cache-dtype": "default",
    "max-model-len": "2048",
    "max-num-batched-tokens": "default",
    "quantization": "default"
  },
  "load": {
    "random_seed": 100,
    "fresh_prompts": false,
    "requests_per_concurrency": 10,
    "warmup_requests_per_concurrency": 2,
    "extra_inputs": [
      "max_tokens:20",
      "min_tokens:20",
      "ignore_eos:true",
      "{\\"nvext\\":{\\"ignore_eos\\":true}}"
    ]
  }
}
END-OF-FILE
nvext=(--extra-inputs '{"nvext":{"ignore_eos":true}}')
serves http://127.0.0.1:18220 '{"ignore_eos":true,"max_tokens":20,"messages":[{"content":"Hello","role":"user"}],"min_tokens":20,"model":"tiny","stream":true}' 30
complete http://127.0.0.1:18220 '{"ignore_eos":true,"max_tokens":20,"messages":[{"content":"Hello","role":"user"}],"min_tokens":20,"model":"tiny","nvext":{"ignore_eos":true},"stream":true}'
if [ "$code" = 400 ]; then
  nvext=()
  echo "the load leaves out nvext.ignore_eos, which the server refuses (HTTP 400): $answer"
fi
env -i "${inherited[@]}" env -u HF_HUB_OFFLINE -u TRANSFORMERS_OFFLINE TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model tiny --tokenizer /cache/models/tiny --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://localhost:18220 --synthetic-input-tokens-mean 100 --synthetic-input-tokens-stddev 0 --output-tokens-mean 20 --output-tokens-stddev 0 --extra-inputs max_tokens:20 --extra-inputs min_tokens:20 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 1 --request-count 10 --warmup-request-count 2 --num-dataset-entries 12 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency1 --ui none --no-gpu-telemetry --no-server-metrics -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
env -i "${inherited[@]}" env -u HF_HUB_OFFLINE -u TRANSFORMERS_OFFLINE TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model tiny --tokenizer /cache/models/tiny --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://localhost:18220 --synthetic-input-tokens-mean 100 --synthetic-input-tokens-stddev 0 --output-tokens-mean 20 --output-tokens-stddev 0 --extra-inputs max_tokens:20 --extra-inputs min_tokens:20 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 2 --request-count 20 --warmup-request-count 4 --num-dataset-entries 24 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency2 --ui none --no-gpu-telemetry --no-server-metrics -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
stop
echo "down: cpu-dp"
