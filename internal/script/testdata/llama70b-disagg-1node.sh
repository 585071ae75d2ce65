#!/usr/bin/env bash
# llama70b-disagg-1node: dynamo_llama70b_disaggregated, 8 GPUs, engine dynamo
#
# bash FILE          brings it up, measures it, plots, and takes it down
# bash FILE launch   only brings it up, and holds it until Ctrl-C
#
# Differences from the guide:
# - loopback: servers listen on every address -> DYN_HTTP_HOST, DYN_SYSTEM_HOST,
#   DYN_TCP_RPC_HOST, DYN_TCP_RESPONSE_STREAM_HOST, DYN_EVENT_PLANE_HOST, VLLM_HOST_IP,
#   VLLM_NIXL_SIDE_CHANNEL_HOST, --host, listen 127.0.0.1:PORT
# - private-services: etcd and NATS by docker compose on 2379 and 4222 -> etcd, nats-server or
#   both, as in the profile, on own ports with fresh data; NATS takes messages up to 8 MiB;
#   ETCD_ENDPOINTS, NATS_SERVER set; ETCD_UNSUPPORTED_ARCH on other processors than x86
# - bookkeeping: the shell's environment -> the shell's environment without a closed list of
#   variables (topobench help environment), with TOPOBENCH_RUN, SPT_NOENV, TMPDIR,
#   PYTHONUNBUFFERED, CUDA_DEVICE_ORDER, DYN_NAMESPACE, DYN_SYSTEM_PORT, VLLM_PORT;
#   VLLM_NO_USAGE_STATS, DO_NOT_TRACK, HF_HUB_DISABLE_TELEMETRY; a program's own directory first
#   on its PATH
# - planes: Dynamo's defaults -> DYN_DISCOVERY_BACKEND, DYN_EVENT_PLANE, DYN_REQUEST_PLANE=tcp
#   and a fresh DYN_FILE_KV, as the profile's discovery requires
# - no-drain: Dynamo drains for its grace period -> DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0,
#   DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS=0
# - decode-tp: decode without --tensor-parallel-size -> --tensor-parallel-size of the profile
# - roles: --is-prefill-worker, decode without a flag -> --disaggregation-mode prefill|decode
#   and --kv-transfer-config
# - nixl-ports: one side channel port for all -> VLLM_NIXL_SIDE_CHANNEL_PORT and VLLM_PORT of
#   its own for each worker
# - load-env: aiperf in the shell's environment -> TERM=dumb, COLUMNS=120;
#   AIPERF_SERVICE_REGISTRATION_TIMEOUT=300, AIPERF_SERVICE_START_TIMEOUT=300;
#   AIPERF_DATASET_CONFIGURATION_TIMEOUT, AIPERF_SERVICE_PROFILE_CONFIGURE_TIMEOUT and
#   AIPERF_HTTP_CONNECTION_LIMIT as the largest cell needs; the caller's AIPERF_* win
# - artifact-dir: --artifact-dir artifacts_N/-concurrencyC -> a directory for each attempt; the
#   accepted one is published there
# - quiet-load: --ui simple -> --ui none, and from aiperf 0.9 on --no-gpu-telemetry
#   --no-server-metrics
# - smoke: "check the logs" -> streamed completions with the load's own headers and body until
#   every worker has served one
set -euo pipefail
umask 077
call=$(date +%y%m%d-%H%M%S)-$$ # in the names of what this call makes
grace=30 # seconds between SIGTERM and SIGKILL
root=artifacts_root # results are written to $root/artifacts_N
# Processes receive the caller's environment, but for variables of these names
# (topobench help environment has the reasons).
dropped=('DYN_*' 'ETCD_*' 'NATS_*' CUDA_VISIBLE_DEVICES VLLM_PORT VLLM_HOST_IP 'VLLM_NIXL_*'
  MASTER_ADDR MASTER_PORT RANK WORLD_SIZE LOCAL_RANK 'VLLM_DP_*' 'SLURM_*' 'PMI*' 'PMIX*' 'OMPI_*'
  PROMETHEUS_MULTIPROC_DIR prometheus_multiproc_dir VLLM_API_KEY '*_API_KEY' '*_ACCESS_KEY'
  '*_SECRET' '*_SECRET_KEY' '*_PASSWORD' '*_TOKEN' 'AWS_*' 'GOOGLE_*' 'AZURE_*' SSH_AUTH_SOCK
  KUBECONFIG)
kept=(HF_TOKEN HUGGING_FACE_HUB_TOKEN 'NCCL_*' 'UCX_*' AWS_CA_BUNDLE AWS_REGION AWS_DEFAULT_REGION
  'AWS_ENDPOINT_URL*' GOOGLE_CLOUD_PROJECT)
only_aiperf=('AIPERF_*')

main() {
  # ==== llama70b-disagg-1node ====
  # Logs and data of this call.
  dir="$root/.topobench/by-hand/llama70b-disagg-1node-$call"
  # Dynamo's workers and frontends find only those of their namespace.
  namespace="topobench-by-hand-llama70b-disagg-1node-$call"
  # Environment of all processes.
  common=(TOPOBENCH_RUN=by-hand SPT_NOENV=1 TMPDIR=/tmp PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1
    DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1)
  # Environment of frontends and workers, besides.
  dynamo=(ETCD_ENDPOINTS=http://127.0.0.1:23001 DYN_DISCOVERY_BACKEND=etcd
    NATS_SERVER=nats://127.0.0.1:23003 DYN_EVENT_PLANE=nats DYN_NAMESPACE="$namespace"
    DYN_TCP_RPC_HOST=127.0.0.1 DYN_TCP_RESPONSE_STREAM_HOST=127.0.0.1 DYN_EVENT_PLANE_HOST=127.0.0.1
    DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0 DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS=0
    DYN_FILE_KV="$dir/kv" DYN_REQUEST_PLANE=tcp)
  # Environment of workers.
  worker=("${dynamo[@]}" DYN_SYSTEM_HOST=127.0.0.1 CUDA_DEVICE_ORDER=PCI_BUS_ID
    VLLM_HOST_IP=127.0.0.1 VLLM_NIXL_SIDE_CHANNEL_HOST=127.0.0.1)
  case "${1:-}" in
    ""|launch) ;;
    *) echo "usage: bash $0 [launch]" >&2; exit 2 ;;
  esac

  mkdir -p "${dir%/*}"
  mkdir "$dir"
  echo "logs: $dir/logs"
  mkdir -p "$dir/logs" "$dir/kv"
  cat >"$dir/nats.conf" <<END-OF-FILE
max_payload: 8388608
END-OF-FILE

  # etcd
  start etcd \
    etcd --data-dir "$dir/etcd" --listen-client-urls http://127.0.0.1:23001 \
    --advertise-client-urls http://127.0.0.1:23001 --listen-peer-urls http://127.0.0.1:23002 \
    --initial-advertise-peer-urls http://127.0.0.1:23002 \
    --initial-cluster default=http://127.0.0.1:23002

  # nats
  start nats \
    nats-server -c "$dir/nats.conf" -js -sd "$dir/nats" -a 127.0.0.1 -p 23003 -m 23004

  # Wait until they are ready.
  wait_for etcd responds http://127.0.0.1:23001/health
  wait_for nats responds http://127.0.0.1:23004/healthz

  # frontend
  start frontend "${dynamo[@]}" DYN_HTTP_HOST=127.0.0.1 \
    python -m dynamo.frontend --http-port 8000

  # prefill-0, on GPUs 0,1
  start prefill-0 "${worker[@]}" DYN_SYSTEM_PORT=23100 CUDA_VISIBLE_DEVICES=0,1 VLLM_PORT=24000 \
    VLLM_NIXL_SIDE_CHANNEL_PORT=23200 \
    python -m dynamo.vllm --model RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic --block-size 128 \
    --tensor-parallel-size 2 --gpu-memory-utilization 0.95 --no-enable-prefix-caching \
    --disaggregation-mode prefill \
    --kv-transfer-config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'

  # prefill-1, on GPUs 2,3
  start prefill-1 "${worker[@]}" DYN_SYSTEM_PORT=23101 CUDA_VISIBLE_DEVICES=2,3 VLLM_PORT=24050 \
    VLLM_NIXL_SIDE_CHANNEL_PORT=23204 \
    python -m dynamo.vllm --model RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic --block-size 128 \
    --tensor-parallel-size 2 --gpu-memory-utilization 0.95 --no-enable-prefix-caching \
    --disaggregation-mode prefill \
    --kv-transfer-config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'

  # decode-0, on GPUs 4,5,6,7
  start decode-0 "${worker[@]}" DYN_SYSTEM_PORT=23102 CUDA_VISIBLE_DEVICES=4,5,6,7 VLLM_PORT=24100 \
    VLLM_NIXL_SIDE_CHANNEL_PORT=23208 \
    python -m dynamo.vllm --model RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic --block-size 128 \
    --tensor-parallel-size 4 --gpu-memory-utilization 0.90 --no-enable-prefix-caching \
    --disaggregation-mode decode \
    --kv-transfer-config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'

  # Wait until they are ready.
  wait_for frontend has_instances http://127.0.0.1:8000/health "$namespace" prefill 2
  wait_for frontend has_instances http://127.0.0.1:8000/health "$namespace" backend 1
  wait_for frontend contains http://127.0.0.1:8000/v1/models \
    '"id":"RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic"'
  wait_for prefill-0 contains http://127.0.0.1:23100/health '"generate":"ready"'
  wait_for prefill-1 contains http://127.0.0.1:23101/health '"generate":"ready"'
  wait_for decode-0 contains http://127.0.0.1:23102/health '"generate":"ready"'

  echo 'up: load goes to http://localhost:8000'
  if [ "${1:-}" = launch ]; then while :; do sleep 1; done; fi

  # perf.sh: measure at each concurrency, into a new artifacts directory.
  free=0
  while [ -e "$root/artifacts_$free" ]; do free=$((free + 1)); done
  results=$root/artifacts_$free
  mkdir -p "$root"
  mkdir "$results"
  echo "results: $results"
  cat >"$results/deployment_config.json" <<END-OF-FILE
{
  "kind": "dynamo_llama70b",
  "model": "RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic",
  "input_sequence_length": 8192,
  "output_sequence_length": 1024,
  "tensor_parallelism": 0,
  "data_parallelism": 0,
  "prefill_tensor_parallelism": 2,
  "prefill_data_parallelism": 2,
  "decode_tensor_parallelism": 4,
  "decode_data_parallelism": 1,
  "mode": "disaggregated",
  "name": "llama70b-disagg-1node",
  "engine": "dynamo",
  "num_gpus": 8,
  "workers": [
    {
      "role": "prefill",
      "cuda_visible_devices": [
        0,
        1
      ],
      "tensor_parallel": 2,
      "data_parallel": 1
    },
    {
      "role": "prefill",
      "cuda_visible_devices": [
        2,
        3
      ],
      "tensor_parallel": 2,
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
    "block-size": "128",
    "dtype": "default",
    "enable-prefix-caching": "off",
    "enforce-eager": "default",
    "engine": "vLLM of unknown version",
    "gpu-memory-utilization": "prefill 0.95, decode 0.90",
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
      "max_tokens:1024",
      "min_tokens:1024",
      "ignore_eos:true",
      "{\\"nvext\\":{\\"ignore_eos\\":true}}"
    ]
  },
  "variables": {}
}
END-OF-FILE

  # A first request. Some versions of Dynamo refuse perf.sh's nvext: it is left out then.
  nvext=(--extra-inputs '{"nvext":{"ignore_eos":true}}')
  wait_served http://127.0.0.1:8000 30 \
    '{"ignore_eos":true,"max_tokens":1024,"messages":[{"content":"Hello","role":"user"}],"min_tokens":1024,"model":"RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic","stream":true}'
  request http://127.0.0.1:8000 \
    '{"ignore_eos":true,"max_tokens":1024,"messages":[{"content":"Hello","role":"user"}],"min_tokens":1024,"model":"RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic","nvext":{"ignore_eos":true},"stream":true}'
  if [ "$code" = 400 ]; then
    nvext=()
    echo "the load leaves out nvext.ignore_eos, which the server refuses (HTTP 400): $answer"
  fi

  for c in 64 128 256; do
    env "${drop[@]}" "${common[@]}" TERM=dumb COLUMNS=120 \
      AIPERF_SERVICE_REGISTRATION_TIMEOUT="${AIPERF_SERVICE_REGISTRATION_TIMEOUT:-300}" \
      AIPERF_SERVICE_START_TIMEOUT="${AIPERF_SERVICE_START_TIMEOUT:-300}" \
      AIPERF_DATASET_CONFIGURATION_TIMEOUT="${AIPERF_DATASET_CONFIGURATION_TIMEOUT:-1558}" \
      AIPERF_SERVICE_PROFILE_CONFIGURE_TIMEOUT="${AIPERF_SERVICE_PROFILE_CONFIGURE_TIMEOUT:-3116}" \
      AIPERF_HTTP_CONNECTION_LIMIT="${AIPERF_HTTP_CONNECTION_LIMIT:-2500}" \
      aiperf profile --model RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic \
      --tokenizer RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic --endpoint-type chat \
      --endpoint /v1/chat/completions --streaming --url http://localhost:8000 \
      --synthetic-input-tokens-mean 8192 --synthetic-input-tokens-stddev 0 \
      --output-tokens-mean 1024 --output-tokens-stddev 0 --extra-inputs max_tokens:1024 \
      --extra-inputs min_tokens:1024 --extra-inputs ignore_eos:true "${nvext[@]}" \
      --concurrency "$c" --request-count "$((10 * c))" --warmup-request-count "$((2 * c))" \
      --num-dataset-entries "$((12 * c))" --random-seed 100 \
      --artifact-dir "$results/-concurrency$c" --ui none --no-gpu-telemetry --no-server-metrics \
      -H 'Authorization: Bearer NOT USED' -H 'Accept: text/event-stream' </dev/null
  done

  plot "$root"
  stop
  echo 'down: llama70b-disagg-1node'
}

# ==== Helpers ====
pids=() # of process groups, one for each service, so that stop finds a service's children too

# matches NAME PATTERN...: the name fits one of the patterns.
matches() {
  local name=$1 pattern
  shift
  for pattern in "$@"; do
    if [[ $name == $pattern ]]; then return 0; fi
  done
  return 1
}

drop=()          # options of env(1) that remove variables of the caller
drop_services=() # further ones, which aiperf receives
for name in $(compgen -e); do
  if matches "$name" "${dropped[@]}" && ! matches "$name" "${kept[@]}"; then
    drop+=(-u "$name")
  elif matches "$name" "${only_aiperf[@]}"; then
    drop_services+=(-u "$name")
  fi
done

# start NAME VARIABLE=value ... COMMAND: starts a service, its output in $dir/logs/NAME.log.
# Options of env(1) may precede the variables.
start() {
  local name=$1
  shift
  set -m
  env "${drop[@]}" "${drop_services[@]}" "${common[@]}" env "$@" \
    </dev/null >>"$dir/logs/$name.log" 2>&1 &
  set +m
  pids+=($!)
}

# wait_for NAME CONDITION ...: waits until a condition holds, as long as every service runs.
wait_for() {
  local what=$1 pid
  shift
  until "$@" >/dev/null 2>&1; do
    for pid in "${pids[@]}"; do
      if ! kill -0 "$pid" 2>/dev/null; then
        echo "a process died while waiting for $what: see the logs" >&2
        exit 1
      fi
    done
    sleep 0.2
  done
  echo "ready: $what"
}

# Conditions.
responds() { curl -fsS --noproxy '*' "$1"; }
contains() { curl -sS --noproxy '*' "$1" | grep -F -- "$2"; }
has_instances() { # URL NAMESPACE COMPONENT NUMBER
  local entry="\"component\":\"$3\",\"endpoint\":\"generate\",\"namespace\":\"$2\""
  [ "$(curl -sS --noproxy '*' "$1" | grep -oF -- "$entry" | wc -l)" -eq "$4" ]
}
listens() { (exec 3<>"/dev/tcp/$1/$2"); } # sends nothing: the guide's nginx counts failed requests

# request URL BODY: sends a completion; the answer is in $code and $answer.
request() {
  answer=$(curl -sS --noproxy '*' --max-time 300 -w '\n%{http_code}' \
    -H 'Content-Type: application/json' -d "$2" "$1/v1/chat/completions" || true)
  code=${answer##*$'\n'}
  answer=${answer%$'\n'*}
}

# wait_served URL SECONDS BODY: sends a completion until the server answers it.
wait_served() {
  local began=$SECONDS
  until
    request "$1" "$3"
    [ "$code" = 200 ]
  do
    if [ "$code" = 400 ] || ((SECONDS >= began + $2)); then
      echo "$1 does not serve: HTTP $code: $answer" >&2
      exit 1
    fi
    sleep 0.2
  done
}

# plot ROOT: the guide's plot_pareto.py, or the same chart by topobench.
plot() {
  if command -v topobench >/dev/null; then
    topobench plot --artifacts-root-dir "$1" --out "$1" || true # it exits with 3 for invalid cells
  else
    echo "to plot: topobench plot --artifacts-root-dir $1"
  fi
}

# stop: ends all services in reverse order, so that workers can deregister from etcd and NATS.
stop() {
  local i pid began=$SECONDS
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do kill "${pids[i]}" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do
    while runs "$pid"; do
      if ((SECONDS >= began + grace)); then kill -KILL -- "-$pid" 2>/dev/null || true; fi
      sleep 0.1
    done
  done
  wait
  pids=()
}
runs() { grep -qsE "^[0-9]+ \(.*\) [^ZX] [0-9]+ $1 " /proc/[0-9]*/stat; } # process group

trap 'trap "grace=0" HUP INT TERM; stop' EXIT # the second Ctrl-C kills at once
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
main "$@"
