#!/usr/bin/env bash
# agg-2node: vllm_serve_aggregated, 16 GPUs, vllm
# differs from the guide (bind-address): servers listen on every address of their host -> each listens on its host's own address: DYN_HTTP_HOST, DYN_SYSTEM_HOST, DYN_TCP_RPC_HOST, DYN_TCP_RESPONSE_STREAM_HOST, DYN_EVENT_PLANE_HOST, VLLM_HOST_IP, VLLM_NIXL_SIDE_CHANNEL_HOST, --host, listen ADDRESS:PORT
# differs from the guide (named-gpus): a worker over a whole node has no CUDA_VISIBLE_DEVICES -> CUDA_VISIBLE_DEVICES names all its GPUs
# differs from the guide (bookkeeping): the shell's environment -> a built environment, which plan prints: TOPOBENCH_RUN, SPT_NOENV, TMPDIR, PYTHONUNBUFFERED, CUDA_DEVICE_ORDER, DYN_NAMESPACE, DYN_SYSTEM_PORT, VLLM_PORT; VLLM_NO_USAGE_STATS, DO_NOT_TRACK, HF_HUB_DISABLE_TELEMETRY
# differs from the guide (nginx-paths): sudo cp nginx.conf /etc/nginx, service nginx restart -> own prefix, -g with daemon off and pid, access_log off and *_temp_path in the run directory
# differs from the guide (log-requests): --disable-log-requests -> not passed
# differs from the guide (load-env): aiperf in the shell's environment -> AIPERF_SERVICE_REGISTRATION_TIMEOUT=300, AIPERF_SERVICE_START_TIMEOUT=300, TERM=dumb, COLUMNS=120
# differs from the guide (artifact-dir): --artifact-dir artifacts_N/-concurrencyC -> a directory for each attempt; what was accepted is published there
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

# Several hosts: this file is run on each by its name, then anywhere with load.
case "${1:-}" in node0|node1|load) ;; *) echo "usage: bash $0 node0|node1|load" >&2; exit 2;; esac
if [ "$1" != load ]; then

# Directories and files, new for each call.
mkdir -p /runs/x
mkdir /runs/x/t-"$call"
echo logs: /runs/x/t-"$call"
mkdir -p /runs/x/t-"$call"/logs
mkdir -p /runs/x/t-"$call"/nginx
mkdir -p /runs/x/t-"$call"/nginx/tmp
cat >/runs/x/t-"$call"/nginx/nginx.conf <<END-OF-FILE
# The guide's nginx.conf. Added: access_log and the temp paths, whose compiled-in
# places belong to root.
worker_processes 1;
worker_rlimit_nofile 4096;

events {
    worker_connections 2048;
    multi_accept on;
    use epoll;
}

http {
    access_log off;
    client_body_temp_path "/runs/x/t-${call}/nginx/tmp/body";
    proxy_temp_path "/runs/x/t-${call}/nginx/tmp/proxy";
    fastcgi_temp_path "/runs/x/t-${call}/nginx/tmp/fastcgi";
    uwsgi_temp_path "/runs/x/t-${call}/nginx/tmp/uwsgi";
    scgi_temp_path "/runs/x/t-${call}/nginx/tmp/scgi";

    upstream backend_servers {
        least_conn;
        server 192.0.2.10:8001 max_fails=3 fail_timeout=10000s;
        server 192.0.2.11:8002 max_fails=3 fail_timeout=10000s;
    }

    server {
        listen 192.0.2.10:8000;

        location / {
            proxy_pass http://backend_servers;
            proxy_http_version 1.1;
            proxy_read_timeout 240s;
        }
    }
}
END-OF-FILE
fi

# ==== on node0, 192.0.2.10 ====
if [ "$1" = node0 ]; then

# aggregated-0
start /runs/x/t-"$call"/logs/aggregated-0.log TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7 VLLM_PORT=24000 VLLM_HOST_IP=192.0.2.10 vllm serve Qwen/Qwen3-0.6B --block-size 128 --max-model-len 3500 --max-num-batched-tokens 3500 --tensor-parallel-size 8 --gpu-memory-utilization 0.95 --host 192.0.2.10 --port 8001

until_true aggregated-0 answers http://192.0.2.10:8001/health
until_true aggregated-0 says http://192.0.2.10:8001/v1/models Qwen/Qwen3-0.6B
until_true aggregated-1 answers http://192.0.2.11:8002/health
until_true aggregated-1 says http://192.0.2.11:8002/v1/models Qwen/Qwen3-0.6B

# nginx
nginx -t -p /runs/x/t-"$call"/nginx/ -c /runs/x/t-"$call"/nginx/nginx.conf -e stderr -g 'daemon off; pid "/runs/x/t-'"$call"'/nginx/nginx.pid";'
start /runs/x/t-"$call"/logs/nginx.log TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 nginx -p /runs/x/t-"$call"/nginx/ -c /runs/x/t-"$call"/nginx/nginx.conf -e stderr -g 'daemon off; pid "/runs/x/t-'"$call"'/nginx/nginx.pid";'

until_true nginx listens 192.0.2.10 8000
echo "up: load goes to http://192.0.2.10:8000"
while :; do sleep 1; done
fi

# ==== on node1, 192.0.2.11 ====
if [ "$1" = node1 ]; then

# aggregated-1
start /runs/x/t-"$call"/logs/aggregated-1.log TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7 VLLM_PORT=24050 VLLM_HOST_IP=192.0.2.11 vllm serve Qwen/Qwen3-0.6B --block-size 128 --max-model-len 3500 --max-num-batched-tokens 3500 --tensor-parallel-size 8 --gpu-memory-utilization 0.95 --host 192.0.2.11 --port 8002

until_true aggregated-0 answers http://192.0.2.10:8001/health
until_true aggregated-0 says http://192.0.2.10:8001/v1/models Qwen/Qwen3-0.6B
until_true aggregated-1 answers http://192.0.2.11:8002/health
until_true aggregated-1 says http://192.0.2.11:8002/v1/models Qwen/Qwen3-0.6B

until_true nginx listens 192.0.2.10 8000
echo "up: load goes to http://192.0.2.10:8000"
while :; do sleep 1; done
fi

# perf.sh's load, into a new directory.
free=0
while [ -e artifacts_root/artifacts_"$free" ]; do free=$((free + 1)); done
mkdir -p artifacts_root
mkdir artifacts_root/artifacts_"$free"
echo results: artifacts_root/artifacts_"$free"
cat >artifacts_root/artifacts_"$free"/deployment_config.json <<END-OF-FILE
{
  "kind": "vllm_serve",
  "model": "Qwen/Qwen3-0.6B",
  "input_sequence_length": 3000,
  "output_sequence_length": 150,
  "tensor_parallelism": 8,
  "data_parallelism": 2,
  "prefill_tensor_parallelism": 0,
  "prefill_data_parallelism": 0,
  "decode_tensor_parallelism": 0,
  "decode_data_parallelism": 0,
  "mode": "aggregated",
  "name": "agg-2node",
  "engine": "vllm",
  "num_gpus": 16,
  "workers": [
    {
      "role": "aggregated",
      "cuda_visible_devices": [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7
      ],
      "tensor_parallel": 8,
      "data_parallel": 1,
      "host": "node0"
    },
    {
      "role": "aggregated",
      "cuda_visible_devices": [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7
      ],
      "tensor_parallel": 8,
      "data_parallel": 1,
      "host": "node1"
    }
  ],
  "settings": {
    "block-size": "128",
    "dtype": "default",
    "enable-prefix-caching": "default",
    "enforce-eager": "default",
    "engine": "vLLM of unknown version",
    "gpu-memory-utilization": "0.95",
    "kv-cache-dtype": "default",
    "max-model-len": "3500",
    "max-num-batched-tokens": "3500",
    "quantization": "default"
  },
  "load": {
    "random_seed": 100,
    "fresh_prompts": false,
    "requests_per_concurrency": 10,
    "warmup_requests_per_concurrency": 2,
    "extra_inputs": [
      "max_tokens:150",
      "min_tokens:150",
      "ignore_eos:true",
      "{\\"nvext\\":{\\"ignore_eos\\":true}}"
    ]
  }
}
END-OF-FILE
nvext=(--extra-inputs '{"nvext":{"ignore_eos":true}}')
serves http://192.0.2.10:8000 '{"ignore_eos":true,"max_tokens":150,"messages":[{"content":"Hello","role":"user"}],"min_tokens":150,"model":"Qwen/Qwen3-0.6B","stream":true}' 30
complete http://192.0.2.10:8000 '{"ignore_eos":true,"max_tokens":150,"messages":[{"content":"Hello","role":"user"}],"min_tokens":150,"model":"Qwen/Qwen3-0.6B","nvext":{"ignore_eos":true},"stream":true}'
if [ "$code" = 400 ]; then
  nvext=()
  echo "the load leaves out nvext.ignore_eos, which the server refuses (HTTP 400): $answer"
fi
env -i "${inherited[@]}" env TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model Qwen/Qwen3-0.6B --tokenizer Qwen/Qwen3-0.6B --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://192.0.2.10:8000 --synthetic-input-tokens-mean 3000 --synthetic-input-tokens-stddev 0 --output-tokens-mean 150 --output-tokens-stddev 0 --extra-inputs max_tokens:150 --extra-inputs min_tokens:150 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 1 --request-count 10 --warmup-request-count 2 --num-dataset-entries 12 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency1 --ui simple -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
env -i "${inherited[@]}" env TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model Qwen/Qwen3-0.6B --tokenizer Qwen/Qwen3-0.6B --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://192.0.2.10:8000 --synthetic-input-tokens-mean 3000 --synthetic-input-tokens-stddev 0 --output-tokens-mean 150 --output-tokens-stddev 0 --extra-inputs max_tokens:150 --extra-inputs min_tokens:150 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 2 --request-count 20 --warmup-request-count 4 --num-dataset-entries 24 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency2 --ui simple -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
env -i "${inherited[@]}" env TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model Qwen/Qwen3-0.6B --tokenizer Qwen/Qwen3-0.6B --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://192.0.2.10:8000 --synthetic-input-tokens-mean 3000 --synthetic-input-tokens-stddev 0 --output-tokens-mean 150 --output-tokens-stddev 0 --extra-inputs max_tokens:150 --extra-inputs min_tokens:150 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 4 --request-count 40 --warmup-request-count 8 --num-dataset-entries 48 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency4 --ui simple -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
env -i "${inherited[@]}" env TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model Qwen/Qwen3-0.6B --tokenizer Qwen/Qwen3-0.6B --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://192.0.2.10:8000 --synthetic-input-tokens-mean 3000 --synthetic-input-tokens-stddev 0 --output-tokens-mean 150 --output-tokens-stddev 0 --extra-inputs max_tokens:150 --extra-inputs min_tokens:150 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 8 --request-count 80 --warmup-request-count 16 --num-dataset-entries 96 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency8 --ui simple -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
env -i "${inherited[@]}" env TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model Qwen/Qwen3-0.6B --tokenizer Qwen/Qwen3-0.6B --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://192.0.2.10:8000 --synthetic-input-tokens-mean 3000 --synthetic-input-tokens-stddev 0 --output-tokens-mean 150 --output-tokens-stddev 0 --extra-inputs max_tokens:150 --extra-inputs min_tokens:150 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 16 --request-count 160 --warmup-request-count 32 --num-dataset-entries 192 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency16 --ui simple -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
env -i "${inherited[@]}" env TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model Qwen/Qwen3-0.6B --tokenizer Qwen/Qwen3-0.6B --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://192.0.2.10:8000 --synthetic-input-tokens-mean 3000 --synthetic-input-tokens-stddev 0 --output-tokens-mean 150 --output-tokens-stddev 0 --extra-inputs max_tokens:150 --extra-inputs min_tokens:150 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 32 --request-count 320 --warmup-request-count 64 --num-dataset-entries 384 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency32 --ui simple -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
env -i "${inherited[@]}" env TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model Qwen/Qwen3-0.6B --tokenizer Qwen/Qwen3-0.6B --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://192.0.2.10:8000 --synthetic-input-tokens-mean 3000 --synthetic-input-tokens-stddev 0 --output-tokens-mean 150 --output-tokens-stddev 0 --extra-inputs max_tokens:150 --extra-inputs min_tokens:150 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 64 --request-count 640 --warmup-request-count 128 --num-dataset-entries 768 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency64 --ui simple -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
env -i "${inherited[@]}" env TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model Qwen/Qwen3-0.6B --tokenizer Qwen/Qwen3-0.6B --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://192.0.2.10:8000 --synthetic-input-tokens-mean 3000 --synthetic-input-tokens-stddev 0 --output-tokens-mean 150 --output-tokens-stddev 0 --extra-inputs max_tokens:150 --extra-inputs min_tokens:150 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 128 --request-count 1280 --warmup-request-count 256 --num-dataset-entries 1536 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency128 --ui simple -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
env -i "${inherited[@]}" env TOPOBENCH_RUN=x SPT_NOENV=1 TMPDIR=/tmp/t1 PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1 AIPERF_SERVICE_REGISTRATION_TIMEOUT=300 AIPERF_SERVICE_START_TIMEOUT=300 TERM=dumb COLUMNS=120 aiperf profile --model Qwen/Qwen3-0.6B --tokenizer Qwen/Qwen3-0.6B --endpoint-type chat --endpoint /v1/chat/completions --streaming --url http://192.0.2.10:8000 --synthetic-input-tokens-mean 3000 --synthetic-input-tokens-stddev 0 --output-tokens-mean 150 --output-tokens-stddev 0 --extra-inputs max_tokens:150 --extra-inputs min_tokens:150 --extra-inputs ignore_eos:true "${nvext[@]}" --concurrency 256 --request-count 2560 --warmup-request-count 512 --num-dataset-entries 3072 --random-seed 100 --artifact-dir artifacts_root/artifacts_"$free"/-concurrency256 --ui simple -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
stop
echo "down: agg-2node"
