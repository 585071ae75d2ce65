#!/usr/bin/env bash
# agg-2node: vllm_serve_aggregated, 16 GPUs, engine vllm
#
# Differences from the guide:
# - bind-address: servers listen on every address of their host -> each listens on its host's
#   own address: DYN_HTTP_HOST, DYN_SYSTEM_HOST, DYN_TCP_RPC_HOST, DYN_TCP_RESPONSE_STREAM_HOST,
#   DYN_EVENT_PLANE_HOST, VLLM_HOST_IP, VLLM_NIXL_SIDE_CHANNEL_HOST, --host, listen ADDRESS:PORT
# - no-proxy: the shell's NO_PROXY -> NO_PROXY and no_proxy with the addresses of the hosts, and
#   then those of the shell
# - named-gpus: a worker over a whole node has no CUDA_VISIBLE_DEVICES -> CUDA_VISIBLE_DEVICES
#   names all its GPUs
# - bookkeeping: the shell's environment -> the shell's environment without a closed list of
#   variables (topobench help environment), with TOPOBENCH_RUN, SPT_NOENV, TMPDIR,
#   PYTHONUNBUFFERED, CUDA_DEVICE_ORDER, DYN_NAMESPACE, DYN_SYSTEM_PORT, VLLM_PORT;
#   VLLM_NO_USAGE_STATS, DO_NOT_TRACK, HF_HUB_DISABLE_TELEMETRY; a program's own directory first
#   on its PATH
# - nginx-paths: sudo cp nginx.conf /etc/nginx, service nginx restart -> own prefix, -g with
#   daemon off and pid, access_log off and *_temp_path in the run directory
# - log-requests: --disable-log-requests -> not passed
# - load-env: aiperf in the shell's environment -> TERM=dumb, COLUMNS=120;
#   AIPERF_SERVICE_REGISTRATION_TIMEOUT=300, AIPERF_SERVICE_START_TIMEOUT=300;
#   AIPERF_DATASET_CONFIGURATION_TIMEOUT, AIPERF_SERVICE_PROFILE_CONFIGURE_TIMEOUT and
#   AIPERF_HTTP_CONNECTION_LIMIT as the largest cell needs; the caller's AIPERF_* win
# - artifact-dir: --artifact-dir artifacts_N/-concurrencyC -> a directory for each attempt; the
#   accepted one is published there
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
  # ==== agg-2node ====
  # Logs and data of this call.
  dir="$root/.topobench/by-hand/agg-2node-$call"
  # Environment of all processes.
  common=(TOPOBENCH_RUN=by-hand SPT_NOENV=1 TMPDIR=/tmp PYTHONUNBUFFERED=1 VLLM_NO_USAGE_STATS=1
    DO_NOT_TRACK=1 HF_HUB_DISABLE_TELEMETRY=1
    NO_PROXY=192.0.2.10,192.0.2.11"${NO_PROXY:+,$NO_PROXY}"
    no_proxy=192.0.2.10,192.0.2.11"${no_proxy:+,$no_proxy}")
  # Environment of workers.
  worker=(CUDA_DEVICE_ORDER=PCI_BUS_ID)

  # Several hosts: run this file on each by its name, then anywhere with "load".
  case "${1:-}" in
    node0|node1|load) ;;
    *) echo "usage: bash $0 node0|node1|load" >&2; exit 2 ;;
  esac

  # ==== on node0, 192.0.2.10 ====
  if [ "$1" = node0 ]; then

    mkdir -p "${dir%/*}"
    mkdir "$dir"
    echo "logs: $dir/logs"
    mkdir -p "$dir/logs" "$dir/nginx" "$dir/nginx/tmp"
    cat >"$dir/nginx/nginx.conf" <<END-OF-FILE
# The guide's nginx.conf. Added: access_log and the temp paths, since the compiled-in
# ones belong to root.
worker_processes 1;
worker_rlimit_nofile 4096;

events {
    worker_connections 2048;
    multi_accept on;
    use epoll;
}

http {
    access_log off;
    client_body_temp_path "$dir/nginx/tmp/body";
    proxy_temp_path "$dir/nginx/tmp/proxy";
    fastcgi_temp_path "$dir/nginx/tmp/fastcgi";
    uwsgi_temp_path "$dir/nginx/tmp/uwsgi";
    scgi_temp_path "$dir/nginx/tmp/scgi";

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

    # aggregated-0, on GPUs 0,1,2,3,4,5,6,7
    start aggregated-0 "${worker[@]}" CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7 VLLM_PORT=24000 \
      VLLM_HOST_IP=192.0.2.10 \
      vllm serve Qwen/Qwen3-0.6B --block-size 128 --max-model-len 3500 \
      --max-num-batched-tokens 3500 --tensor-parallel-size 8 --gpu-memory-utilization 0.95 \
      --host 192.0.2.10 --port 8001

    # Wait until they are ready.
    wait_for aggregated-0 responds http://192.0.2.10:8001/health
    wait_for aggregated-0 contains http://192.0.2.10:8001/v1/models Qwen/Qwen3-0.6B
    wait_for aggregated-1 responds http://192.0.2.11:8002/health
    wait_for aggregated-1 contains http://192.0.2.11:8002/v1/models Qwen/Qwen3-0.6B

    # nginx
    nginx -t -p "$dir/nginx/" -c "$dir/nginx/nginx.conf" -e stderr \
      -g "daemon off; pid \"$dir/nginx/nginx.pid\";"
    start nginx \
      nginx -p "$dir/nginx/" -c "$dir/nginx/nginx.conf" -e stderr \
      -g "daemon off; pid \"$dir/nginx/nginx.pid\";"

    # Wait until they are ready.
    wait_for nginx listens 192.0.2.10 8000

    echo 'up: load goes to http://192.0.2.10:8000'
    while :; do sleep 1; done
  fi

  # ==== on node1, 192.0.2.11 ====
  if [ "$1" = node1 ]; then

    mkdir -p "${dir%/*}"
    mkdir "$dir"
    echo "logs: $dir/logs"
    mkdir -p "$dir/logs"

    # aggregated-1, on GPUs 0,1,2,3,4,5,6,7
    start aggregated-1 "${worker[@]}" CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7 VLLM_PORT=24050 \
      VLLM_HOST_IP=192.0.2.11 \
      vllm serve Qwen/Qwen3-0.6B --block-size 128 --max-model-len 3500 \
      --max-num-batched-tokens 3500 --tensor-parallel-size 8 --gpu-memory-utilization 0.95 \
      --host 192.0.2.11 --port 8002

    # Wait until they are ready.
    wait_for aggregated-0 responds http://192.0.2.10:8001/health
    wait_for aggregated-0 contains http://192.0.2.10:8001/v1/models Qwen/Qwen3-0.6B
    wait_for aggregated-1 responds http://192.0.2.11:8002/health
    wait_for aggregated-1 contains http://192.0.2.11:8002/v1/models Qwen/Qwen3-0.6B

    # Wait until they are ready.
    wait_for nginx listens 192.0.2.10 8000

    echo 'up: load goes to http://192.0.2.10:8000'
    while :; do sleep 1; done
  fi

  # perf.sh: measure at each concurrency, into a new artifacts directory.
  free=0
  while [ -e "$root/artifacts_$free" ]; do free=$((free + 1)); done
  results=$root/artifacts_$free
  mkdir -p "$root"
  mkdir "$results"
  echo "results: $results"
  cat >"$results/deployment_config.json" <<END-OF-FILE
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
  },
  "variables": {}
}
END-OF-FILE

  # A first request. Some versions of Dynamo refuse perf.sh's nvext: it is left out then.
  nvext=(--extra-inputs '{"nvext":{"ignore_eos":true}}')
  wait_served http://192.0.2.10:8000 1800 \
    '{"ignore_eos":true,"max_tokens":150,"messages":[{"content":"Hello","role":"user"}],"min_tokens":150,"model":"Qwen/Qwen3-0.6B","stream":true}'
  request http://192.0.2.10:8000 \
    '{"ignore_eos":true,"max_tokens":150,"messages":[{"content":"Hello","role":"user"}],"min_tokens":150,"model":"Qwen/Qwen3-0.6B","nvext":{"ignore_eos":true},"stream":true}'
  if [ "$code" = 400 ]; then
    nvext=()
    echo "the load leaves out nvext.ignore_eos, which the server refuses (HTTP 400): $answer"
  fi

  for c in 1 2 4 8 16 32 64 128 256; do
    env "${drop[@]}" "${common[@]}" TERM=dumb COLUMNS=120 \
      AIPERF_SERVICE_REGISTRATION_TIMEOUT="${AIPERF_SERVICE_REGISTRATION_TIMEOUT:-300}" \
      AIPERF_SERVICE_START_TIMEOUT="${AIPERF_SERVICE_START_TIMEOUT:-300}" \
      AIPERF_DATASET_CONFIGURATION_TIMEOUT="${AIPERF_DATASET_CONFIGURATION_TIMEOUT:-760}" \
      AIPERF_SERVICE_PROFILE_CONFIGURE_TIMEOUT="${AIPERF_SERVICE_PROFILE_CONFIGURE_TIMEOUT:-1520}" \
      AIPERF_HTTP_CONNECTION_LIMIT="${AIPERF_HTTP_CONNECTION_LIMIT:-2500}" \
      aiperf profile --model Qwen/Qwen3-0.6B --tokenizer Qwen/Qwen3-0.6B --endpoint-type chat \
      --endpoint /v1/chat/completions --streaming --url http://192.0.2.10:8000 \
      --synthetic-input-tokens-mean 3000 --synthetic-input-tokens-stddev 0 \
      --output-tokens-mean 150 --output-tokens-stddev 0 --extra-inputs max_tokens:150 \
      --extra-inputs min_tokens:150 --extra-inputs ignore_eos:true "${nvext[@]}" \
      --concurrency "$c" --request-count "$((10 * c))" --warmup-request-count "$((2 * c))" \
      --num-dataset-entries "$((12 * c))" --random-seed 100 \
      --artifact-dir "$results/-concurrency$c" --ui simple -H 'Authorization: Bearer NOT USED' \
      -H 'Accept: text/event-stream' </dev/null
  done

  plot "$root"
  stop
  echo 'down: agg-2node'
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
