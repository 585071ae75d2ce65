#!/usr/bin/env bash
# demo-disagg: dynamo_mocker_disaggregated, 8 GPUs, mocker
# differs from the guide (mocker): python -m dynamo.vllm or vllm serve -> python -m dynamo.mocker; in the place of vllm serve each has a Dynamo frontend of its own
# differs from the guide (loopback): servers listen on every address -> DYN_HTTP_HOST, DYN_SYSTEM_HOST, DYN_TCP_RPC_HOST, DYN_TCP_RESPONSE_STREAM_HOST, DYN_EVENT_PLANE_HOST, VLLM_HOST_IP, VLLM_NIXL_SIDE_CHANNEL_HOST, --host, listen 127.0.0.1:PORT
# differs from the guide (file-discovery): etcd by docker compose -> no etcd: DYN_DISCOVERY_BACKEND=file
# differs from the guide (zmq-events): NATS by docker compose -> no NATS: DYN_EVENT_PLANE=zmq
# differs from the guide (bookkeeping): the shell's environment -> a built environment, which plan prints: TOPOBENCH_RUN, SPT_NOENV, TMPDIR, PYTHONUNBUFFERED, CUDA_DEVICE_ORDER, DYN_NAMESPACE, DYN_SYSTEM_PORT, VLLM_PORT; VLLM_NO_USAGE_STATS, DO_NOT_TRACK, HF_HUB_DISABLE_TELEMETRY
# differs from the guide (planes): Dynamo's defaults -> DYN_DISCOVERY_BACKEND, DYN_EVENT_PLANE, DYN_REQUEST_PLANE=tcp and a fresh DYN_FILE_KV, as the profile's discovery asks
# differs from the guide (no-drain): Dynamo drains for its grace period -> DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0, DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS=0
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
mkdir -p /runs/x/t-"$call"/kv

# frontend
start /runs/x/t-"$call"/logs/frontend.log TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 DYN_DISCOVERY_BACKEND=file DYN_EVENT_PLANE=zmq DYN_NAMESPACE=topobench-x-t-"$call" DYN_TCP_RPC_HOST=127.0.0.1 DYN_TCP_RESPONSE_STREAM_HOST=127.0.0.1 DYN_EVENT_PLANE_HOST=127.0.0.1 DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0 DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS=0 DYN_FILE_KV=/runs/x/t-"$call"/kv DYN_REQUEST_PLANE=tcp HF_HUB_OFFLINE=1 DYN_HTTP_HOST=127.0.0.1 python -m dynamo.frontend --http-port 18000

# prefill-0
start /runs/x/t-"$call"/logs/prefill-0.log TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 DYN_DISCOVERY_BACKEND=file DYN_EVENT_PLANE=zmq DYN_NAMESPACE=topobench-x-t-"$call" DYN_TCP_RPC_HOST=127.0.0.1 DYN_TCP_RESPONSE_STREAM_HOST=127.0.0.1 DYN_EVENT_PLANE_HOST=127.0.0.1 DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0 DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS=0 DYN_FILE_KV=/runs/x/t-"$call"/kv DYN_REQUEST_PLANE=tcp HF_HUB_OFFLINE=1 DYN_SYSTEM_PORT=23100 DYN_SYSTEM_HOST=127.0.0.1 python -m dynamo.mocker --model-path /cache/models/tiny --model-name tiny --disaggregation-mode prefill --num-gpu-blocks-override 128

# prefill-1
start /runs/x/t-"$call"/logs/prefill-1.log TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 DYN_DISCOVERY_BACKEND=file DYN_EVENT_PLANE=zmq DYN_NAMESPACE=topobench-x-t-"$call" DYN_TCP_RPC_HOST=127.0.0.1 DYN_TCP_RESPONSE_STREAM_HOST=127.0.0.1 DYN_EVENT_PLANE_HOST=127.0.0.1 DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0 DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS=0 DYN_FILE_KV=/runs/x/t-"$call"/kv DYN_REQUEST_PLANE=tcp HF_HUB_OFFLINE=1 DYN_SYSTEM_PORT=23101 DYN_SYSTEM_HOST=127.0.0.1 python -m dynamo.mocker --model-path /cache/models/tiny --model-name tiny --disaggregation-mode prefill --num-gpu-blocks-override 128

# prefill-2
start /runs/x/t-"$call"/logs/prefill-2.log TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 DYN_DISCOVERY_BACKEND=file DYN_EVENT_PLANE=zmq DYN_NAMESPACE=topobench-x-t-"$call" DYN_TCP_RPC_HOST=127.0.0.1 DYN_TCP_RESPONSE_STREAM_HOST=127.0.0.1 DYN_EVENT_PLANE_HOST=127.0.0.1 DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0 DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS=0 DYN_FILE_KV=/runs/x/t-"$call"/kv DYN_REQUEST_PLANE=tcp HF_HUB_OFFLINE=1 DYN_SYSTEM_PORT=23102 DYN_SYSTEM_HOST=127.0.0.1 python -m dynamo.mocker --model-path /cache/models/tiny --model-name tiny --disaggregation-mode prefill --num-gpu-blocks-override 128

# prefill-3
start /runs/x/t-"$call"/logs/prefill-3.log TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 DYN_DISCOVERY_BACKEND=file DYN_EVENT_PLANE=zmq DYN_NAMESPACE=topobench-x-t-"$call" DYN_TCP_RPC_HOST=127.0.0.1 DYN_TCP_RESPONSE_STREAM_HOST=127.0.0.1 DYN_EVENT_PLANE_HOST=127.0.0.1 DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0 DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS=0 DYN_FILE_KV=/runs/x/t-"$call"/kv DYN_REQUEST_PLANE=tcp HF_HUB_OFFLINE=1 DYN_SYSTEM_PORT=23103 DYN_SYSTEM_HOST=127.0.0.1 python -m dynamo.mocker --model-path /cache/models/tiny --model-name tiny --disaggregation-mode prefill --num-gpu-blocks-override 128

# decode-0
start /runs/x/t-"$call"/logs/decode-0.log TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 DYN_DISCOVERY_BACKEND=file DYN_EVENT_PLANE=zmq DYN_NAMESPACE=topobench-x-t-"$call" DYN_TCP_RPC_HOST=127.0.0.1 DYN_TCP_RESPONSE_STREAM_HOST=127.0.0.1 DYN_EVENT_PLANE_HOST=127.0.0.1 DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0 DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS=0 DYN_FILE_KV=/runs/x/t-"$call"/kv DYN_REQUEST_PLANE=tcp HF_HUB_OFFLINE=1 DYN_SYSTEM_PORT=23104 DYN_SYSTEM_HOST=127.0.0.1 python -m dynamo.mocker --model-path /cache/models/tiny --model-name tiny --disaggregation-mode decode --num-gpu-blocks-override 128

until_true frontend counts http://127.0.0.1:18000/health '"component":"prefill","endpoint":"generate"' 4
until_true frontend counts http://127.0.0.1:18000/health '"component":"backend","endpoint":"generate"' 1
until_true frontend says http://127.0.0.1:18000/v1/models '"id":"tiny"'
until_true prefill-0 says http://127.0.0.1:23100/health '"generate":"ready"'
until_true prefill-1 says http://127.0.0.1:23101/health '"generate":"ready"'
until_true prefill-2 says http://127.0.0.1:23102/health '"generate":"ready"'
until_true prefill-3 says http://127.0.0.1:23103/health '"generate":"ready"'
until_true decode-0 says http://127.0.0.1:23104/health '"generate":"ready"'

echo "up: load goes to http://localhost:18000"
if [ "${1:-}" = launch ]; then while :; do sleep 1; done; fi

# perf.sh's load, into a new directory.
free=0
while [ -e artifacts_root/artifacts_"$free" ]; do free=$((free + 1)); done
mkdir -p artifacts_root
mkdir artifacts_root/artifacts_"$free"
echo results: artifacts_root/artifacts_"$free"
cat >artifacts_root/artifacts_"$free"/deployment_config.json <<END-OF-FILE
{
  "kind": "dynamo_mocker",
  "model": "tiny",
  "input_sequence_length": 300,
  "output_sequence_length": 50,
  "tensor_parallelism": 0,
  "data_parallelism": 0,
  "prefill_tensor_parallelism": 1,
  "prefill_data_parallelism": 4,
  "decode_tensor_parallelism": 4,
  "decode_data_parallelism": 1,
  "mode": "disaggregated",
  "name": "demo-disagg",
  "engine": "mocker",
  "simulated": true,
  "num_gpus": 8,
  "workers": [
    {
      "role": "prefill",
      "cuda_visible_devices": [
        0
      ],
      "tensor_parallel": 1,
      "data_parallel": 1
    },
    {
      "role": "prefill",
      "cuda_visible_devices": [
        1
      ],
      "tensor_parallel": 1,
      "data_parallel": 1
    },
    {
      "role": "prefill",
      "cuda_visible_devices": [
        2
      ],
      "tensor_parallel": 1,
      "data_parallel": 1
    },
    {
      "role": "prefill",
      "cuda_visible_devices": [
        3
      ],
      "tensor_parallel": 1,
      "data_parallel": 1
    },
    {
      "role": "decode",
      "cuda_visible_devices": [
        4,
        5,
        6,
        7
      ],
      "tensor_parallel": 4,
      "data_parallel": 1
    }
  ],
  "settings": {
    "block-size": "default",
    "dtype": "default",
    "enable-prefix-caching": "default",
    "enforce-eager": "default",
    "engine": "Dynamo mocker of unknown version",
    "gpu-memory-utilization": "default",
    "kv-cache-dtype": "default",
    "max-model-len": "default",
    "max-num-batched-tokens": "default",
    "quantization": "default"
  },
  "load": {
    "random_seed": 100,
    "fresh_prompts": false,
    "requests_per_concurrency": 10,
    "warmup_requests_per_concurrency": 2,
    "extra_inputs": [
      "max_tokens:50",
      "min_tokens:50",
      "ignore_eos:true",
      "{\\"nvext\\":{\\"ignore_eos\\":true}}"
    ]
  }
}
END-OF-FILE
nvext=(--extra-inputs '{"nvext":{"ignore_eos":true}}')
serves http://127.0.0.1:18000 '{"ignore_eos":true,"max_tokens":50,"messages":[{"content":"Hello","role":"user"}],"min_tokens":50,"model":"tiny","stream":true}' 30
complete http://127.0.0.1:18000 '{"ignore_eos":true,"max_tokens":50,"messages":[{"content":"Hello","role":"user"}],"min_tokens":50,"model":"tiny","nvext":{"ignore_eos":true},"stream":true}'
if [ "$code" = 400 ]; then
  nvext=()
  echo "the load leaves out nvext.ignore_eos, which the server refuses (HTTP 400): $answer"
fi
env -i "${inherited[@]}" env -u HF_HUB_OFFLINE -u TRANSFORMERS_OFFLINE TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model tiny --tokenizer /cache/models/tiny --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://localhost:18000 --synthetic-input-tokens-mean 300 --synthetic-input-tokens-stddev 0 --output-tokens-mean 50 --output-tokens-stddev 0 --extra-inputs max_tokens:50 --extra-inputs min_tokens:50 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 1 --request-count 10 --warmup-request-count 2 --num-dataset-entries 12 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency1 --ui none --no-gpu-telemetry --no-server-metrics -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
env -i "${inherited[@]}" env -u HF_HUB_OFFLINE -u TRANSFORMERS_OFFLINE TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model tiny --tokenizer /cache/models/tiny --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://localhost:18000 --synthetic-input-tokens-mean 300 --synthetic-input-tokens-stddev 0 --output-tokens-mean 50 --output-tokens-stddev 0 --extra-inputs max_tokens:50 --extra-inputs min_tokens:50 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 2 --request-count 20 --warmup-request-count 4 --num-dataset-entries 24 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency2 --ui none --no-gpu-telemetry --no-server-metrics -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
env -i "${inherited[@]}" env -u HF_HUB_OFFLINE -u TRANSFORMERS_OFFLINE TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model tiny --tokenizer /cache/models/tiny --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://localhost:18000 --synthetic-input-tokens-mean 300 --synthetic-input-tokens-stddev 0 --output-tokens-mean 50 --output-tokens-stddev 0 --extra-inputs max_tokens:50 --extra-inputs min_tokens:50 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 4 --request-count 40 --warmup-request-count 8 --num-dataset-entries 48 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency4 --ui none --no-gpu-telemetry --no-server-metrics -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
env -i "${inherited[@]}" env -u HF_HUB_OFFLINE -u TRANSFORMERS_OFFLINE TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model tiny --tokenizer /cache/models/tiny --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://localhost:18000 --synthetic-input-tokens-mean 300 --synthetic-input-tokens-stddev 0 --output-tokens-mean 50 --output-tokens-stddev 0 --extra-inputs max_tokens:50 --extra-inputs min_tokens:50 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 8 --request-count 80 --warmup-request-count 16 --num-dataset-entries 96 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency8 --ui none --no-gpu-telemetry --no-server-metrics -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
stop
echo "down: demo-disagg"
