#!/usr/bin/env bash
# Runs a real Kubernetes of one node until SIGTERM, in network, mount, process, host name and IPC namespaces of its own:
# no port, route, mount or setting of the machine changes, and nothing outlives it.
#
#   node.sh IMAGES RUN
#
# RUN/ready appears once the node is ready. RUN/api.sock leads to the API server, which RUN/kubeconfig has at
# 127.0.0.1:6443: right inside of the namespaces only. RUN/pid is the first process inside, RUN/pids has those of the
# parts as they are numbered inside, RUN/log their logs, RUN/podlogs those of the pods. There is no way out of the
# network: a pull of an absent image fails.
#
# It needs root, cgroup v1, and containerd, runc, CNI's plugins, iptables, conntrack, socat, etcd and busybox on PATH.
set -euo pipefail

# shellcheck source=internal/scripts/kube/tools.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
# The addresses are of the ranges for documentation.
node=198.51.100.1 pods=198.51.100.0/24 services=203.0.113.0/24 api=203.0.113.1
containerd=/run/containerd/containerd.sock
prefix=topobench-kube

# remove_group NAME: removes a cgroup that no process is in any more.
remove_group() {
	local dir _
	for dir in /sys/fs/cgroup/*/"$1"; do
		for _ in {1..40}; do
			[[ -d $dir ]] || break
			find "$dir" -depth -type d -exec rmdir {} \; 2>/dev/null || true
			sleep 0.05
		done
	done
}

# outside starts the first process inside, and removes its cgroup after it.
outside() {
	local dir child first group=$prefix.$$
	rm -rf "$run"
	mkdir -p "$run"/{log,pids,pki,kubelet,cni}
	for dir in /sys/fs/cgroup/memory/$prefix.*; do # of nodes that were killed
		[[ ! -d $dir ]] || kill -0 "${dir##*.}" 2>/dev/null || remove_group "${dir##*/}"
	done
	setpriv --pdeathsig KILL unshare --net --mount --pid --uts --ipc --fork --kill-child --mount-proc \
		bash "${BASH_SOURCE[0]}" --inside "$images" "$run" "$group" >"$run/log/node" 2>&1 </dev/null &
	child=$!
	until first=$(pgrep -P $child); do
		kill -0 $child 2>/dev/null || { cat "$run/log/node" >&2; exit 1; }
		sleep 0.05
	done
	echo "$first" >"$run/pid"
	# The first process of a namespace ignores SIGTERM.
	trap 'kill -9 $first 2>/dev/null' TERM INT
	wait $child || true
	wait $child 2>/dev/null || true
	remove_group "$group"
	rm -f "$run/ready" "$run/pid"
}

# shows SETTING VALUE: lets the kubelet read the value that it requires, and leaves the kernel's alone.
shows() {
	echo "$2" >"$run/setting.${1##*/}"
	mount --bind "$run/setting.${1##*/}" "/proc/sys/$1"
}

machine() {
	hostname node0
	mount --make-rshared /
	shows vm/overcommit_memory 1
	shows vm/panic_on_oom 0
	shows kernel/panic 10
	shows kernel/panic_on_oops 1
	shows kernel/keys/root_maxkeys 1000000
	shows kernel/keys/root_maxbytes 25000000
	mount -t tmpfs tmpfs /run
	mkdir -p /run/netns /run/lock
	echo '127.0.0.1 localhost node0' >"$run/hosts"
	: >"$run/resolv.conf"
	mount --bind "$run/hosts" /etc/hosts
	mount --bind "$run/resolv.conf" /etc/resolv.conf
	ip link set lo up
	# With an address of its own: else it takes the lowest one of its ports, which come and go with pods, and a pod that
	# stays does not reach the node until it resolves the address again.
	ip link add cni0 address 02:00:00:00:00:01 type bridge
	ip addr add $node/24 dev cni0
	ip link set cni0 up
	ip route add default dev cni0
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
	local dir f
	for dir in /sys/fs/cgroup/*/; do [[ $dir == */unified/ ]] || mkdir -p "$dir$group"; done
	for f in cpus mems; do
		cat "/sys/fs/cgroup/cpuset/cpuset.$f" >"/sys/fs/cgroup/cpuset/$group/cpuset.$f"
	done
}

# credentials makes the keys of the cluster and the kubeconfig of its administrator.
credentials() {
	local token
	cd "$run/pki"
	openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=ca -keyout ca.key -out ca.crt
	openssl req -newkey rsa:2048 -nodes -subj /CN=kube-apiserver -keyout api.key -out api.csr
	echo "subjectAltName=IP:127.0.0.1,IP:$node,IP:$api,DNS:localhost,DNS:kubernetes.default.svc" >names
	openssl x509 -req -in api.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -extfile names -out api.crt
	openssl genrsa -out sa.key 2048
	openssl rsa -in sa.key -pubout -out sa.pub
	token=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
	echo "$token,admin,1,system:masters" >tokens.csv
	cat >"$run/kubeconfig" <<-END
		{apiVersion: v1, kind: Config, current-context: test, contexts: [{name: test, context: {cluster: test, user: admin}}],
		 users: [{name: admin, user: {token: "$token"}}], clusters: [{name: test, cluster: {
		   server: "https://127.0.0.1:6443", certificate-authority-data: $(base64 -w0 ca.crt)}}]}
	END
}

configuration() {
	cat >"$run/cni/10-bridge.conflist" <<-END
		{"cniVersion": "0.4.0", "name": "k8s", "plugins": [
		  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true, "ipam": {"type": "host-local",
		   "ranges": [[{"subnet": "$pods"}]], "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "$run/ipam"}},
		  {"type": "portmap", "capabilities": {"portMappings": true}}]}
	END
	# Without CAP_SYS_RESOURCE root cannot lower the score of a sandbox.
	cat >"$run/containerd.toml" <<-END
		version = 2
		root = "$run/containerd"
		state = "/run/containerd"
		disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
		  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]
		[grpc]
		  address = "$containerd"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "localhost/pause:1"
		  restrict_oom_score_adj = true
		  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		    runtime_type = "io.containerd.runc.v2"
		    base_runtime_spec = "$images/base.json"
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "${CNI_PLUGINS:-/usr/lib/cni}"
		    conf_dir = "$run/cni"
	END
	cat >"$run/kubelet.yaml" <<-END
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
		authorization: {mode: AlwaysAllow}
		cgroupDriver: cgroupfs
		cgroupRoot: /$group
		failCgroupV1: false
		failSwapOn: false
		enforceNodeAllocatable: []
		evictionHard: {memory.available: "0%", nodefs.available: "0%", imagefs.available: "0%", nodefs.inodesFree: "0%"}
		imageGCHighThresholdPercent: 100
		containerRuntimeEndpoint: unix://$containerd
		clusterDomain: cluster.local
		clusterDNS: [$node]
		resolvConf: $run/resolv.conf
		podLogsDir: $run/podlogs
	END
}

# start NAME COMMAND...: runs a part with its log.
start() {
	local name=$1
	shift
	"$@" >"log/$name" 2>&1 &
	echo $! >"pids/$name"
}

servers() {
	local etcd=http://127.0.0.1:2379 image
	start containerd containerd -c containerd.toml
	start etcd etcd --data-dir "$run/etcd" --listen-client-urls $etcd --advertise-client-urls $etcd \
		--listen-peer-urls http://127.0.0.1:2380
	start apiserver kube apiserver --etcd-servers $etcd --advertise-address $node --secure-port 6443 \
		--allow-privileged --kubelet-preferred-address-types InternalIP \
		--tls-cert-file pki/api.crt --tls-private-key-file pki/api.key --client-ca-file pki/ca.crt \
		--token-auth-file pki/tokens.csv --authorization-mode RBAC --service-account-key-file pki/sa.pub \
		--service-account-signing-key-file pki/sa.key --service-account-issuer https://kubernetes.default.svc \
		--service-cluster-ip-range $services
	until ctr -a $containerd version >/dev/null 2>&1; do sleep 0.1; done
	for image in "$images"/*.tar; do ctr -a $containerd -n k8s.io images import "$image" >>log/images 2>&1; done
	until kube kubectl get --raw /readyz >/dev/null 2>&1; do sleep 0.2; done
	start controller-manager kube controller-manager --kubeconfig kubeconfig --leader-elect=false \
		--service-account-private-key-file pki/sa.key --root-ca-file pki/ca.crt
	start scheduler kube scheduler --kubeconfig kubeconfig --leader-elect=false
	start kubelet kube kubelet --config kubelet.yaml --kubeconfig kubeconfig --root-dir "$run/kubelet" \
		--node-ip $node --hostname-override node0
	start proxy kube proxy --kubeconfig kubeconfig --hostname-override node0 --proxy-mode iptables \
		--cluster-cidr $pods --masquerade-all --conntrack-max-per-core 0 --conntrack-tcp-timeout-established 0 \
		--conntrack-tcp-timeout-close-wait 0
	start socat socat "UNIX-LISTEN:$run/api.sock,fork" TCP:127.0.0.1:6443
}

# objects makes Dynamo's definitions, and eight GPUs that exist for the scheduler only.
objects() {
	local path=/status/%s/nvidia.com~1gpu patch='[{"op":"add","path":"%s","value":"8"},{"op":"add","path":"%s","value":"8"}]'
	kube kubectl apply -f "$images/crds.yaml"
	until kube kubectl wait --for=condition=Ready node/node0 --timeout=5s >/dev/null 2>&1; do sleep 0.2; done
	# shellcheck disable=SC2059 # the formats are above
	kube kubectl patch node node0 --subresource=status --type=json \
		-p "$(printf "$patch" "${path/\%s/capacity}" "${path/\%s/allocatable}")"
	until kube kubectl get serviceaccount default >/dev/null 2>&1; do sleep 0.1; done
}

if [[ $1 != --inside ]]; then
	images=$(realpath "$1") run=$(realpath -m "$2")
	outside
	exit
fi
images=$2 run=$3 group=$4
export KUBECONFIG=$run/kubeconfig
machine
credentials 2>"$run/log/credentials"
configuration
cd "$run"
servers
objects >log/objects 2>&1
start operator operator --kubeconfig kubeconfig --dns $node:53
touch ready
wait
