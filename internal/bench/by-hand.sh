#!/usr/bin/env bash
# Measures the topologies of demo-disagg and demo-agg as a person would by hand, as a reference for topobench run:
# background jobs with logs, curl once a second until every service is ready, perf.sh's aiperf command for each
# concurrency, kill, wait, and the same again for the next topology.
#
#   by-hand.sh DIRECTORY    a new directory, for artifacts_0, artifacts_1 and logs
#
# The programs, their flags and their environment are those of `topobench plan demo-disagg demo-agg`. The ports
# differ, so that both can run at once. Thinking, typing and plotting take no time here, so this is a lower bound
# for the work by hand.
set -euo pipefail
set -m # gives each background job a process group of its own, so that kill reaches its children

out=${1:?the directory for the results is missing: by-hand.sh DIRECTORY}
mkdir "$out"
out=$(cd "$out" && pwd)
mkdir "$out/logs" "$out/tmp"

[[ ${XDG_CACHE_HOME-} == /* ]] || XDG_CACHE_HOME=$HOME/.cache
cache=${TOPOBENCH_CACHE:-$XDG_CACHE_HOME/topobench}
python=$cache/dynamo-1.6.1/bin/python
aiperf=$cache/aiperf-0.13.0/bin/aiperf
nginx=$cache/debs/root/usr/sbin/nginx
[[ -x $nginx ]] || nginx=$(PATH=$PATH:/usr/sbin:/sbin command -v nginx)
model=$cache/models/tiny
isl=300 osl=50

export TMPDIR=$out/tmp HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1 DYN_DISCOVERY_BACKEND=file DYN_EVENT_PLANE=zmq DYN_REQUEST_PLANE=tcp
export DYN_HTTP_HOST=127.0.0.1 DYN_TCP_RPC_HOST=127.0.0.1 DYN_TCP_RESPONSE_STREAM_HOST=127.0.0.1 DYN_EVENT_PLANE_HOST=127.0.0.1
export DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0

jobs=() # process groups

die() { printf 'by-hand: cannot %s\n' "$*" >&2; exit 1; }

# start NAME COMMAND...: starts a background job with a log.
start() {
	local log=$out/logs/$1.log
	shift
	"$@" </dev/null >>"$log" 2>&1 &
	jobs+=($!)
}

frontend() { start "$1" "$python" -m dynamo.frontend --http-port "$2"; } # NAME PORT
mocker() { # NAME FLAG...
	start "$1" "$python" -m dynamo.mocker --model-path "$model" --model-name tiny --num-gpu-blocks-override 128 "${@:2}"
}

# alive: succeeds if the first process of any job runs. (A bare return in a trap would return the status before it.)
alive() {
	local job
	for job in "${jobs[@]}"; do kill -0 "$job" 2>/dev/null && return 0; done
	return 1
}

# stop: ends every job, and kills it after 15 s.
stop() {
	local job tries
	for job in "${jobs[@]}"; do kill -TERM -- "-$job" 2>/dev/null || true; done
	for ((tries = 0; tries < 300; tries++)); do
		alive || break
		sleep 0.05
	done
	for job in "${jobs[@]}"; do kill -KILL -- "-$job" 2>/dev/null || true; done
	wait || true
	jobs=()
}
trap 'stop; rm -rf "$out/tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# poll WHAT COMMAND...: runs the command once a second until it succeeds, for two minutes.
poll() {
	local what=$1 tries
	shift
	for ((tries = 0; tries < 120; tries++)); do
		"$@" 2>/dev/null && return 0
		sleep 1
	done
	die "wait for $what any longer: see $out/logs"
}

# has PORT COMPONENT COUNT: succeeds if the frontend lists that many instances.
has() {
	[[ $(curl -s --noproxy '*' "http://127.0.0.1:$1/health" | grep -oF "\"component\":\"$2\",\"endpoint\":\"generate\"" | wc -l) == "$3" ]]
}

# lists PORT: succeeds if the server lists the model.
lists() { curl -s --noproxy '*' "http://127.0.0.1:$1/v1/models" | grep -qF '"id":"tiny"'; }

# perf PORT DIRECTORY: runs perf.sh's loop, without the nvext input, which Dynamo 1.6.1 answers with 400.
perf() {
	local c
	for c in 1 2 4 8; do
		start "$(basename "$2")-concurrency$c" env -u HF_HUB_OFFLINE "$aiperf" profile --model tiny --tokenizer "$model" \
			--endpoint-type chat --endpoint /v1/chat/completions --streaming --url "http://localhost:$1" \
			--synthetic-input-tokens-mean $isl --synthetic-input-tokens-stddev 0 \
			--output-tokens-mean $osl --output-tokens-stddev 0 \
			--extra-inputs max_tokens:$osl --extra-inputs min_tokens:$osl --extra-inputs ignore_eos:true \
			--concurrency "$c" --request-count $((10 * c)) --warmup-request-count $((2 * c)) \
			--num-dataset-entries $((12 * c)) --random-seed 100 --artifact-dir "$2/-concurrency$c" --ui simple \
			-H "Authorization: Bearer NOT USED" -H "Accept: text/event-stream"
		wait $! || die "measure concurrency $c: see $out/logs"
	done
}

# config DIRECTORY KIND MODE TP DP PREFILL_TP PREFILL_DP DECODE_TP DECODE_DP: writes perf.sh's deployment_config.json.
config() {
	mkdir "$1"
	printf '{"kind": "%s", "model": "tiny", "input_sequence_length": %d, "output_sequence_length": %d, "tensor_parallelism": %d, "data_parallelism": %d, "prefill_tensor_parallelism": %d, "prefill_data_parallelism": %d, "decode_tensor_parallelism": %d, "decode_data_parallelism": %d, "mode": "%s"}\n' \
		"$2" $isl $osl "${@:4}" "$3" >"$1/deployment_config.json"
}

disaggregated() {
	local worker
	export DYN_FILE_KV=$out/tmp/kv DYN_NAMESPACE=by-hand
	frontend frontend 28000
	for worker in 0 1 2 3; do mocker "prefill-$worker" --disaggregation-mode prefill; done
	mocker decode --disaggregation-mode decode
	poll "4 prefill workers" has 28000 prefill 4
	poll "the decode worker" has 28000 backend 1
	poll "the model" lists 28000
	config "$out/artifacts_0" dynamo_mocker disaggregated 0 0 1 4 4 1
	perf 28000 "$out/artifacts_0"
	stop
}

nginx_conf() {
	cat <<-END
		daemon off; pid $out/tmp/nginx.pid; worker_processes 1; worker_rlimit_nofile 4096;
		events { worker_connections 2048; multi_accept on; use epoll; }
		http {
			access_log off;
			client_body_temp_path $out/tmp/body; proxy_temp_path $out/tmp/proxy; fastcgi_temp_path $out/tmp/fastcgi;
			uwsgi_temp_path $out/tmp/uwsgi; scgi_temp_path $out/tmp/scgi;
			upstream backend_servers {
				least_conn;
				server 127.0.0.1:28101 max_fails=3 fail_timeout=10000s;
				server 127.0.0.1:28102 max_fails=3 fail_timeout=10000s;
			}
			server {
				listen 127.0.0.1:28080;
				location / { proxy_pass http://backend_servers; proxy_http_version 1.1; proxy_read_timeout 240s; }
			}
		}
	END
}

aggregated() {
	local n
	for n in 1 2; do
		export DYN_FILE_KV=$out/tmp/kv-$n DYN_NAMESPACE=by-hand-$n
		frontend "frontend-$n" "2810$n"
		mocker "aggregated-$n"
	done
	for n in 1 2; do
		poll "worker $n" has "2810$n" backend 1
		poll "the model of worker $n" lists "2810$n"
	done
	nginx_conf >"$out/nginx.conf"
	start nginx "$nginx" -p "$out/" -e stderr -c "$out/nginx.conf"
	poll "nginx" lists 28080
	config "$out/artifacts_1" vllm_mocker aggregated 4 2 0 0 0 0
	perf 28080 "$out/artifacts_1"
	stop
}

disaggregated
aggregated
