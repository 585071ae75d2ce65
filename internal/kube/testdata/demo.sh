#!/usr/bin/env bash
# demo-disagg, demo-agg on Kubernetes: `bash SCRIPT` measures one topology after the other.
# The Job of the load owns every object: when it ends, Kubernetes deletes the rest. It ends 10 minutes
# after the last sign of life of this shell.
set -euo pipefail
root=artifacts_root

# gone SELECTOR: waits until no object with the labels is left.
gone() {
  local left
  for _ in {1..120}; do
    left=$(kubectl --context lab --namespace bench get pods,deployments,services,configmaps -l "$1" -o name)
    [ -n "$left" ] || return 0
    sleep 1
  done
  echo "still there:" $left >&2
  return 1
}

# request URL [BODY]: a request from the pod of the load.
request() {
  kubectl --context lab --namespace bench exec job/topobench-by-hand -c load -- python3 -c '
import sys, urllib.request
body = sys.argv[2].encode() if len(sys.argv) > 2 else None
request = urllib.request.Request(sys.argv[1], body, {"Content-Type": "application/json"})
print(urllib.request.urlopen(request).read().decode())' "$@"
}

# served URL MODEL: waits until the server lists the model.
served() {
  for _ in {1..120}; do
    ! request "$1/v1/models" 2>/dev/null | grep -qF "\"$2\"" || return 0
    sleep 1
  done
  echo "$1 does not list the model $2" >&2
  return 1
}

# ==== the pod of the load ====
load() {
cat <<'END'
apiVersion: batch/v1
kind: Job
metadata:
  labels:
    topobench/role: load
    topobench/run: by-hand
  name: topobench-by-hand
spec:
  activeDeadlineSeconds: 16200
  backoffLimit: 0
  template:
    metadata:
      labels:
        topobench/role: load
        topobench/run: by-hand
    spec:
      containers:
        - command:
            - sh
            - -c
            - touch /tmp/topobench-alive; while [ -n "$(find /tmp/topobench-alive -mmin -10)" ]; do sleep 5; done
          env:
            - name: SPT_NOENV
              value: "1"
            - name: TMPDIR
              value: /tmp
            - name: PYTHONUNBUFFERED
              value: "1"
            - name: VLLM_NO_USAGE_STATS
              value: "1"
            - name: DO_NOT_TRACK
              value: "1"
            - name: HF_HUB_DISABLE_TELEMETRY
              value: "1"
            - name: TERM
              value: dumb
            - name: COLUMNS
              value: "120"
            - name: AIPERF_SERVICE_REGISTRATION_TIMEOUT
              value: "300"
            - name: AIPERF_SERVICE_START_TIMEOUT
              value: "300"
            - name: AIPERF_DATASET_CONFIGURATION_TIMEOUT
              value: "301"
            - name: AIPERF_SERVICE_PROFILE_CONFIGURE_TIMEOUT
              value: "602"
            - name: AIPERF_HTTP_CONNECTION_LIMIT
              value: "2500"
          image: nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1
          name: load
          volumeMounts:
            - mountPath: /cache/models
              name: models
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      volumes:
        - hostPath:
            path: /cache/models
            type: Directory
          name: models
  ttlSecondsAfterFinished: 0
END
}
load | kubectl --context lab --namespace bench create --dry-run=server -f -
load | kubectl --context lab --namespace bench create -f -
trap 'exec 3>&-; kubectl --context lab --namespace bench delete job topobench-by-hand --ignore-not-found --cascade=foreground' EXIT
owner=$(kubectl --context lab --namespace bench get job topobench-by-hand -o jsonpath='{.metadata.uid}')
kubectl --context lab --namespace bench wait job/topobench-by-hand --for=jsonpath='{.status.ready}'=1 --timeout=1800s
# The sign of life, each minute. The end of this shell closes its input, and it ends too.
exec 3> >(until read -rt 60 || [ $? -le 128 ]; do kubectl --context lab --namespace bench exec job/topobench-by-hand -c load -- touch /tmp/topobench-alive || true; done)

# ==== demo-disagg: 8 GPUs ====
demo_disagg() {
sed "s/@OWNER@/$owner/" <<'END'
apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata:
  labels:
    topobench/run: run-1
    topobench/topology: demo-disagg
  name: demo-disagg
  ownerReferences:
    - apiVersion: batch/v1
      kind: Job
      name: topobench-run-1
      uid: '@OWNER@'
spec:
  components:
    - name: frontend
      podTemplate:
        metadata:
          labels:
            topobench/role: frontend
            topobench/run: run-1
            topobench/service: demo-disagg-frontend
            topobench/topology: demo-disagg
        spec:
          containers:
            - args:
                - --http-port
                - "8000"
              command:
                - python3
                - -m
                - dynamo.frontend
              env:
                - name: DO_NOT_TRACK
                  value: "1"
                - name: DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS
                  value: "0"
                - name: DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS
                  value: "0"
                - name: HF_HUB_DISABLE_TELEMETRY
                  value: "1"
                - name: HF_HUB_OFFLINE
                  value: "1"
                - name: PYTHONUNBUFFERED
                  value: "1"
                - name: VLLM_NO_USAGE_STATS
                  value: "1"
              image: nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1
              name: main
              volumeMounts:
                - mountPath: /cache/models
                  name: models
          terminationGracePeriodSeconds: 30
          volumes:
            - hostPath:
                path: /cache/models
                type: Directory
              name: models
      replicas: 1
      type: frontend
    - name: prefill
      podTemplate:
        metadata:
          labels:
            topobench/role: prefill
            topobench/run: run-1
            topobench/service: demo-disagg-prefill
            topobench/topology: demo-disagg
        spec:
          containers:
            - args:
                - --model-path
                - /cache/models/tiny
                - --model-name
                - tiny
                - --disaggregation-mode
                - prefill
                - --num-gpu-blocks-override
                - "128"
              command:
                - python3
                - -m
                - dynamo.mocker
              env:
                - name: DO_NOT_TRACK
                  value: "1"
                - name: DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS
                  value: "0"
                - name: DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS
                  value: "0"
                - name: HF_HUB_DISABLE_TELEMETRY
                  value: "1"
                - name: HF_HUB_OFFLINE
                  value: "1"
                - name: PYTHONUNBUFFERED
                  value: "1"
                - name: VLLM_NO_USAGE_STATS
                  value: "1"
              image: nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1
              name: main
              volumeMounts:
                - mountPath: /cache/models
                  name: models
          terminationGracePeriodSeconds: 30
          volumes:
            - hostPath:
                path: /cache/models
                type: Directory
              name: models
      replicas: 4
      type: prefill
    - name: decode
      podTemplate:
        metadata:
          labels:
            topobench/role: decode
            topobench/run: run-1
            topobench/service: demo-disagg-decode
            topobench/topology: demo-disagg
        spec:
          containers:
            - args:
                - --model-path
                - /cache/models/tiny
                - --model-name
                - tiny
                - --disaggregation-mode
                - decode
                - --num-gpu-blocks-override
                - "128"
              command:
                - python3
                - -m
                - dynamo.mocker
              env:
                - name: DO_NOT_TRACK
                  value: "1"
                - name: DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS
                  value: "0"
                - name: DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS
                  value: "0"
                - name: HF_HUB_DISABLE_TELEMETRY
                  value: "1"
                - name: HF_HUB_OFFLINE
                  value: "1"
                - name: PYTHONUNBUFFERED
                  value: "1"
                - name: VLLM_NO_USAGE_STATS
                  value: "1"
              image: nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1
              name: main
              volumeMounts:
                - mountPath: /cache/models
                  name: models
          terminationGracePeriodSeconds: 30
          volumes:
            - hostPath:
                path: /cache/models
                type: Directory
              name: models
      replicas: 1
      type: decode
END
}
demo_disagg | kubectl --context lab --namespace bench create --dry-run=server -f -
demo_disagg | kubectl --context lab --namespace bench create -f -
generation=$(kubectl --context lab --namespace bench get dynamographdeployment/demo-disagg -o jsonpath='{.metadata.generation}')
kubectl --context lab --namespace bench wait dynamographdeployment/demo-disagg --timeout=1800s --for=jsonpath='{.status.observedGeneration}'=$generation
kubectl --context lab --namespace bench wait dynamographdeployment/demo-disagg --timeout=1800s --for=condition=Ready
kubectl --context lab --namespace bench wait dynamographdeployment/demo-disagg --timeout=1800s --for=jsonpath='{.status.components.frontend.readyReplicas}'=1
kubectl --context lab --namespace bench wait dynamographdeployment/demo-disagg --timeout=1800s --for=jsonpath='{.status.components.prefill.readyReplicas}'=4
kubectl --context lab --namespace bench wait dynamographdeployment/demo-disagg --timeout=1800s --for=jsonpath='{.status.components.decode.readyReplicas}'=1
served http://demo-disagg-frontend:8000 tiny
free=0
while [ -e "$root/artifacts_$free" ]; do free=$((free + 1)); done
results=$root/artifacts_$free
mkdir -p "$results"
cat >"$results/deployment_config.json" <<'END'
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
    "engine": "Dynamo mocker 1.6.1",
    "gpu-memory-utilization": "default",
    "kv-cache-dtype": "default",
    "max-model-len": "default",
    "max-num-batched-tokens": "default",
    "num-gpu-blocks-override": "128",
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
      "{\"nvext\":{\"ignore_eos\":true}}"
    ]
  },
  "variables": {},
  "programs": {
    "Dynamo": "1.6.1"
  }
}
END
nvext=(--extra-inputs '{"nvext":{"ignore_eos":true}}')
# Some versions of Dynamo refuse perf.sh's nvext: it is left out then.
request http://demo-disagg-frontend:8000/v1/chat/completions '{"ignore_eos":true,"max_tokens":50,"messages":[{"content":"Hello","role":"user"}],"min_tokens":50,"model":"tiny","nvext":{"ignore_eos":true},"stream":true}' 2>/dev/null || {
  nvext=()
  request http://demo-disagg-frontend:8000/v1/chat/completions '{"ignore_eos":true,"max_tokens":50,"messages":[{"content":"Hello","role":"user"}],"min_tokens":50,"model":"tiny","stream":true}'
}
for c in 1 2 4 8; do
  kubectl --context lab --namespace bench exec job/topobench-by-hand -c load -- \
    aiperf \
    profile \
    --model tiny \
    --tokenizer /cache/models/tiny \
    --endpoint-type chat \
    --endpoint /v1/chat/completions \
    --streaming \
    --url http://demo-disagg-frontend:8000 \
    --synthetic-input-tokens-mean 300 \
    --synthetic-input-tokens-stddev 0 \
    --output-tokens-mean 50 \
    --output-tokens-stddev 0 \
    --extra-inputs max_tokens:50 \
    --extra-inputs min_tokens:50 \
    --extra-inputs ignore_eos:true \
    "${nvext[@]}" \
    --concurrency $c \
    --request-count $((10 * c)) \
    --warmup-request-count $((2 * c)) \
    --num-dataset-entries $((12 * c)) \
    --random-seed 100 \
    --artifact-dir /tmp/topobench/artifacts/demo-disagg/-concurrency$c \
    --ui none \
    --no-gpu-telemetry \
    --no-server-metrics \
    -H 'Authorization: Bearer NOT USED' \
    -H 'Accept: text/event-stream' </dev/null
done
kubectl --context lab --namespace bench exec job/topobench-by-hand -c load -- tar -C /tmp/topobench/artifacts/demo-disagg -cf - . | tar -C "$results" -xf -
echo "results: $results"
kubectl --context lab --namespace bench delete dynamographdeployment/demo-disagg
gone topobench/run=run-1,topobench/topology=demo-disagg
gone nvidia.com/dynamo-graph-deployment-name=demo-disagg

# ==== demo-agg: 8 GPUs ====
demo_agg() {
sed "s/@OWNER@/$owner/" <<'END'
apiVersion: v1
kind: Service
metadata:
  labels:
    topobench/run: run-1
    topobench/topology: demo-agg
  name: demo-agg-aggregated-0
  ownerReferences:
    - apiVersion: batch/v1
      kind: Job
      name: topobench-run-1
      uid: '@OWNER@'
spec:
  ports:
    - name: http
      port: 18101
      targetPort: 18101
  selector:
    topobench/service: demo-agg-aggregated-0
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    topobench/run: run-1
    topobench/topology: demo-agg
  name: demo-agg-aggregated-0
  ownerReferences:
    - apiVersion: batch/v1
      kind: Job
      name: topobench-run-1
      uid: '@OWNER@'
spec:
  replicas: 1
  selector:
    matchLabels:
      topobench/service: demo-agg-aggregated-0
  strategy:
    type: Recreate
  template:
    metadata:
      labels:
        topobench/role: aggregated
        topobench/run: run-1
        topobench/service: demo-agg-aggregated-0
        topobench/topology: demo-agg
    spec:
      containers:
        - args:
            - --model-path
            - /cache/models/tiny
            - --model-name
            - tiny
            - --num-gpu-blocks-override
            - "128"
          command:
            - python3
            - -m
            - dynamo.mocker
          env:
            - name: DO_NOT_TRACK
              value: "1"
            - name: DYN_DISCOVERY_BACKEND
              value: file
            - name: DYN_EVENT_PLANE
              value: zmq
            - name: DYN_EVENT_PLANE_HOST
              value: 127.0.0.1
            - name: DYN_FILE_KV
              value: /tmp/topobench/kv-0
            - name: DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS
              value: "0"
            - name: DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS
              value: "0"
            - name: DYN_NAMESPACE
              value: demo-agg-0
            - name: DYN_REQUEST_PLANE
              value: tcp
            - name: DYN_SYSTEM_HOST
              value: 0.0.0.0
            - name: DYN_SYSTEM_PORT
              value: "23100"
            - name: DYN_TCP_RESPONSE_STREAM_HOST
              value: 127.0.0.1
            - name: DYN_TCP_RPC_HOST
              value: 127.0.0.1
            - name: HF_HUB_DISABLE_TELEMETRY
              value: "1"
            - name: HF_HUB_OFFLINE
              value: "1"
            - name: PYTHONUNBUFFERED
              value: "1"
            - name: VLLM_NO_USAGE_STATS
              value: "1"
            - name: DYN_SYSTEM_USE_ENDPOINT_HEALTH_STATUS
              value: '["generate"]'
          image: nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1
          name: main
          startupProbe:
            failureThreshold: 1800
            httpGet:
              path: /health
              port: 23100
            periodSeconds: 1
            timeoutSeconds: 3
          volumeMounts:
            - mountPath: /cache/models
              name: models
            - mountPath: /tmp/topobench/kv-0
              name: discovery
        - args:
            - --http-port
            - "18101"
          command:
            - python3
            - -m
            - dynamo.frontend
          env:
            - name: DO_NOT_TRACK
              value: "1"
            - name: DYN_DISCOVERY_BACKEND
              value: file
            - name: DYN_EVENT_PLANE
              value: zmq
            - name: DYN_EVENT_PLANE_HOST
              value: 127.0.0.1
            - name: DYN_FILE_KV
              value: /tmp/topobench/kv-0
            - name: DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS
              value: "0"
            - name: DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS
              value: "0"
            - name: DYN_HTTP_HOST
              value: 0.0.0.0
            - name: DYN_NAMESPACE
              value: demo-agg-0
            - name: DYN_REQUEST_PLANE
              value: tcp
            - name: DYN_TCP_RESPONSE_STREAM_HOST
              value: 127.0.0.1
            - name: DYN_TCP_RPC_HOST
              value: 127.0.0.1
            - name: HF_HUB_DISABLE_TELEMETRY
              value: "1"
            - name: HF_HUB_OFFLINE
              value: "1"
            - name: PYTHONUNBUFFERED
              value: "1"
            - name: VLLM_NO_USAGE_STATS
              value: "1"
          image: nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1
          name: frontend
          startupProbe:
            failureThreshold: 1800
            httpGet:
              path: /health
              port: 18101
            periodSeconds: 1
            timeoutSeconds: 3
          volumeMounts:
            - mountPath: /cache/models
              name: models
            - mountPath: /tmp/topobench/kv-0
              name: discovery
      terminationGracePeriodSeconds: 30
      volumes:
        - hostPath:
            path: /cache/models
            type: Directory
          name: models
        - emptyDir: {}
          name: discovery
---
apiVersion: v1
kind: Service
metadata:
  labels:
    topobench/run: run-1
    topobench/topology: demo-agg
  name: demo-agg-aggregated-1
  ownerReferences:
    - apiVersion: batch/v1
      kind: Job
      name: topobench-run-1
      uid: '@OWNER@'
spec:
  ports:
    - name: http
      port: 18102
      targetPort: 18102
  selector:
    topobench/service: demo-agg-aggregated-1
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    topobench/run: run-1
    topobench/topology: demo-agg
  name: demo-agg-aggregated-1
  ownerReferences:
    - apiVersion: batch/v1
      kind: Job
      name: topobench-run-1
      uid: '@OWNER@'
spec:
  replicas: 1
  selector:
    matchLabels:
      topobench/service: demo-agg-aggregated-1
  strategy:
    type: Recreate
  template:
    metadata:
      labels:
        topobench/role: aggregated
        topobench/run: run-1
        topobench/service: demo-agg-aggregated-1
        topobench/topology: demo-agg
    spec:
      containers:
        - args:
            - --model-path
            - /cache/models/tiny
            - --model-name
            - tiny
            - --num-gpu-blocks-override
            - "128"
          command:
            - python3
            - -m
            - dynamo.mocker
          env:
            - name: DO_NOT_TRACK
              value: "1"
            - name: DYN_DISCOVERY_BACKEND
              value: file
            - name: DYN_EVENT_PLANE
              value: zmq
            - name: DYN_EVENT_PLANE_HOST
              value: 127.0.0.1
            - name: DYN_FILE_KV
              value: /tmp/topobench/kv-1
            - name: DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS
              value: "0"
            - name: DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS
              value: "0"
            - name: DYN_NAMESPACE
              value: demo-agg-1
            - name: DYN_REQUEST_PLANE
              value: tcp
            - name: DYN_SYSTEM_HOST
              value: 0.0.0.0
            - name: DYN_SYSTEM_PORT
              value: "23101"
            - name: DYN_TCP_RESPONSE_STREAM_HOST
              value: 127.0.0.1
            - name: DYN_TCP_RPC_HOST
              value: 127.0.0.1
            - name: HF_HUB_DISABLE_TELEMETRY
              value: "1"
            - name: HF_HUB_OFFLINE
              value: "1"
            - name: PYTHONUNBUFFERED
              value: "1"
            - name: VLLM_NO_USAGE_STATS
              value: "1"
            - name: DYN_SYSTEM_USE_ENDPOINT_HEALTH_STATUS
              value: '["generate"]'
          image: nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1
          name: main
          startupProbe:
            failureThreshold: 1800
            httpGet:
              path: /health
              port: 23101
            periodSeconds: 1
            timeoutSeconds: 3
          volumeMounts:
            - mountPath: /cache/models
              name: models
            - mountPath: /tmp/topobench/kv-1
              name: discovery
        - args:
            - --http-port
            - "18102"
          command:
            - python3
            - -m
            - dynamo.frontend
          env:
            - name: DO_NOT_TRACK
              value: "1"
            - name: DYN_DISCOVERY_BACKEND
              value: file
            - name: DYN_EVENT_PLANE
              value: zmq
            - name: DYN_EVENT_PLANE_HOST
              value: 127.0.0.1
            - name: DYN_FILE_KV
              value: /tmp/topobench/kv-1
            - name: DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS
              value: "0"
            - name: DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS
              value: "0"
            - name: DYN_HTTP_HOST
              value: 0.0.0.0
            - name: DYN_NAMESPACE
              value: demo-agg-1
            - name: DYN_REQUEST_PLANE
              value: tcp
            - name: DYN_TCP_RESPONSE_STREAM_HOST
              value: 127.0.0.1
            - name: DYN_TCP_RPC_HOST
              value: 127.0.0.1
            - name: HF_HUB_DISABLE_TELEMETRY
              value: "1"
            - name: HF_HUB_OFFLINE
              value: "1"
            - name: PYTHONUNBUFFERED
              value: "1"
            - name: VLLM_NO_USAGE_STATS
              value: "1"
          image: nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1
          name: frontend
          startupProbe:
            failureThreshold: 1800
            httpGet:
              path: /health
              port: 18102
            periodSeconds: 1
            timeoutSeconds: 3
          volumeMounts:
            - mountPath: /cache/models
              name: models
            - mountPath: /tmp/topobench/kv-1
              name: discovery
      terminationGracePeriodSeconds: 30
      volumes:
        - hostPath:
            path: /cache/models
            type: Directory
          name: models
        - emptyDir: {}
          name: discovery
END
}
demo_agg | kubectl --context lab --namespace bench create --dry-run=server -f -
demo_agg | kubectl --context lab --namespace bench create -f -
kubectl --context lab --namespace bench rollout status deployment/demo-agg-aggregated-0 --timeout=1800s
kubectl --context lab --namespace bench rollout status deployment/demo-agg-aggregated-1 --timeout=1800s
demo_agg_2() {
sed "s/@OWNER@/$owner/" <<'END'
apiVersion: v1
data:
  nginx.conf: |
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
        client_body_temp_path "/tmp/topobench/tmp/body";
        proxy_temp_path "/tmp/topobench/tmp/proxy";
        fastcgi_temp_path "/tmp/topobench/tmp/fastcgi";
        uwsgi_temp_path "/tmp/topobench/tmp/uwsgi";
        scgi_temp_path "/tmp/topobench/tmp/scgi";

        upstream backend_servers {
            least_conn;
            server demo-agg-aggregated-0:18101 max_fails=3 fail_timeout=10000s;
            server demo-agg-aggregated-1:18102 max_fails=3 fail_timeout=10000s;
        }

        server {
            listen 0.0.0.0:18080;

            location / {
                proxy_pass http://backend_servers;
                proxy_http_version 1.1;
                proxy_read_timeout 240s;
            }
        }
    }
kind: ConfigMap
metadata:
  labels:
    topobench/run: run-1
    topobench/topology: demo-agg
  name: demo-agg-nginx
  ownerReferences:
    - apiVersion: batch/v1
      kind: Job
      name: topobench-run-1
      uid: '@OWNER@'
---
apiVersion: v1
kind: Service
metadata:
  labels:
    topobench/run: run-1
    topobench/topology: demo-agg
  name: demo-agg-nginx
  ownerReferences:
    - apiVersion: batch/v1
      kind: Job
      name: topobench-run-1
      uid: '@OWNER@'
spec:
  ports:
    - name: http
      port: 18080
      targetPort: 18080
  selector:
    topobench/service: demo-agg-nginx
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    topobench/run: run-1
    topobench/topology: demo-agg
  name: demo-agg-nginx
  ownerReferences:
    - apiVersion: batch/v1
      kind: Job
      name: topobench-run-1
      uid: '@OWNER@'
spec:
  replicas: 1
  selector:
    matchLabels:
      topobench/service: demo-agg-nginx
  strategy:
    type: Recreate
  template:
    metadata:
      labels:
        topobench/role: balancer
        topobench/run: run-1
        topobench/service: demo-agg-nginx
        topobench/topology: demo-agg
    spec:
      containers:
        - args:
            - -c
            - /tmp/topobench/conf/nginx.conf
            - -e
            - stderr
            - -g
            - daemon off; pid /tmp/topobench/tmp/nginx.pid; user root;
          command:
            - nginx
          image: nginx:1.29
          name: nginx
          startupProbe:
            failureThreshold: 1800
            periodSeconds: 1
            tcpSocket:
              port: 18080
            timeoutSeconds: 3
          volumeMounts:
            - mountPath: /tmp/topobench/conf
              name: conf
            - mountPath: /tmp/topobench/tmp
              name: spool
      terminationGracePeriodSeconds: 5
      volumes:
        - configMap:
            name: demo-agg-nginx
          name: conf
        - emptyDir: {}
          name: spool
END
}
demo_agg_2 | kubectl --context lab --namespace bench create --dry-run=server -f -
demo_agg_2 | kubectl --context lab --namespace bench create -f -
kubectl --context lab --namespace bench rollout status deployment/demo-agg-nginx --timeout=1800s
served http://demo-agg-nginx:18080 tiny
free=0
while [ -e "$root/artifacts_$free" ]; do free=$((free + 1)); done
results=$root/artifacts_$free
mkdir -p "$results"
cat >"$results/deployment_config.json" <<'END'
{
  "kind": "vllm_mocker",
  "model": "tiny",
  "input_sequence_length": 300,
  "output_sequence_length": 50,
  "tensor_parallelism": 4,
  "data_parallelism": 2,
  "prefill_tensor_parallelism": 0,
  "prefill_data_parallelism": 0,
  "decode_tensor_parallelism": 0,
  "decode_data_parallelism": 0,
  "mode": "aggregated",
  "name": "demo-agg",
  "engine": "mocker",
  "simulated": true,
  "num_gpus": 8,
  "workers": [
    {
      "role": "aggregated",
      "cuda_visible_devices": [
        0,
        1,
        2,
        3
      ],
      "tensor_parallel": 4,
      "data_parallel": 1
    },
    {
      "role": "aggregated",
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
    "engine": "Dynamo mocker 1.6.1",
    "gpu-memory-utilization": "default",
    "kv-cache-dtype": "default",
    "max-model-len": "default",
    "max-num-batched-tokens": "default",
    "num-gpu-blocks-override": "128",
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
      "{\"nvext\":{\"ignore_eos\":true}}"
    ]
  },
  "variables": {},
  "programs": {
    "Dynamo": "1.6.1"
  }
}
END
nvext=(--extra-inputs '{"nvext":{"ignore_eos":true}}')
# Some versions of Dynamo refuse perf.sh's nvext: it is left out then.
request http://demo-agg-nginx:18080/v1/chat/completions '{"ignore_eos":true,"max_tokens":50,"messages":[{"content":"Hello","role":"user"}],"min_tokens":50,"model":"tiny","nvext":{"ignore_eos":true},"stream":true}' 2>/dev/null || {
  nvext=()
  request http://demo-agg-nginx:18080/v1/chat/completions '{"ignore_eos":true,"max_tokens":50,"messages":[{"content":"Hello","role":"user"}],"min_tokens":50,"model":"tiny","stream":true}'
}
for c in 1 2 4 8; do
  kubectl --context lab --namespace bench exec job/topobench-by-hand -c load -- \
    aiperf \
    profile \
    --model tiny \
    --tokenizer /cache/models/tiny \
    --endpoint-type chat \
    --endpoint /v1/chat/completions \
    --streaming \
    --url http://demo-agg-nginx:18080 \
    --synthetic-input-tokens-mean 300 \
    --synthetic-input-tokens-stddev 0 \
    --output-tokens-mean 50 \
    --output-tokens-stddev 0 \
    --extra-inputs max_tokens:50 \
    --extra-inputs min_tokens:50 \
    --extra-inputs ignore_eos:true \
    "${nvext[@]}" \
    --concurrency $c \
    --request-count $((10 * c)) \
    --warmup-request-count $((2 * c)) \
    --num-dataset-entries $((12 * c)) \
    --random-seed 100 \
    --artifact-dir /tmp/topobench/artifacts/demo-agg/-concurrency$c \
    --ui none \
    --no-gpu-telemetry \
    --no-server-metrics \
    -H 'Authorization: Bearer NOT USED' \
    -H 'Accept: text/event-stream' </dev/null
done
kubectl --context lab --namespace bench exec job/topobench-by-hand -c load -- tar -C /tmp/topobench/artifacts/demo-agg -cf - . | tar -C "$results" -xf -
echo "results: $results"
kubectl --context lab --namespace bench delete deployment/demo-agg-nginx service/demo-agg-nginx configmap/demo-agg-nginx deployment/demo-agg-aggregated-1 service/demo-agg-aggregated-1 deployment/demo-agg-aggregated-0 service/demo-agg-aggregated-0
gone topobench/run=run-1,topobench/topology=demo-agg
