#!/usr/bin/env bash
# Installs the real programs that topobench drives into the tool cache, without root, each at a pinned version.
#
#   setup.sh demo    aiperf, Dynamo (frontend and mocker), nginx, a tiny model
#   setup.sh test    the same, etcd, nats-server, sshd
#   setup.sh real    the same, older versions of aiperf and Dynamo
#   setup.sh bench   the demo's, and the packages of plot_pareto.py
#   setup.sh report  Chromium without a window
#   setup.sh hosts   the test's, and sshd and Slurm for machines of their own
#   setup.sh engines the demo's, and real vLLM with Dynamo and NIXL, on the CPU (5 GB)
#   setup.sh kube    the demo's, and Kubernetes, built from source (4 GB while it builds), with containerd
#   setup.sh all     everything but the engines and Kubernetes
#
# The cache is $TOPOBENCH_CACHE, else topobench in $XDG_CACHE_HOME or ~/.cache. It is outside the tree, so that
# all clones share it. Each part has a stamp, written last. A part without a matching stamp is built again, so an
# interrupted set-up never counts as complete. Two set-ups at once take turns.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ ${XDG_CACHE_HOME-} == /* ]] || XDG_CACHE_HOME=$HOME/.cache # the XDG specification ignores a relative path
cache=${TOPOBENCH_CACHE:-$XDG_CACHE_HOME/topobench}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
debs=$cache/debs
interpreter=python3
export PATH=$PATH:/usr/sbin:/sbin # the directories of nginx and nats-server are often not on a user's PATH

say() { printf 'tools: %s\n' "$*"; }
die() { printf 'tools: cannot %s\n' "$*" >&2; exit 1; }

# digest FILE...: prints a hash of the files without their comments.
digest() { grep -hv '^#' "$@" | sha256sum | cut -d' ' -f1; }

# stamped FILE WORD: succeeds if the stamp is WORD.
stamped() { [[ -f $1 && $(<"$1") == "$2" ]]; }

# stamp FILE WORD: writes the stamp atomically.
stamp() { printf '%s\n' "$2" >"$1.tmp" && mv "$1.tmp" "$1"; }

# prerequisites reports everything that is missing at once.
prerequisites() {
	local missing=() tool
	for tool in go git gcc make python3 flock sha256sum; do
		command -v "$tool" >/dev/null || missing+=("$tool")
	done
	((${#missing[@]} == 0)) || die "set up without: ${missing[*]}
  on Debian or Ubuntu: apt-get install -y golang git gcc make python3 python3-venv util-linux coreutils
  (Go 1.26 or newer; if the distribution has an older one, see https://go.dev/dl)"
}

# python sets interpreter to a Python that takes the pinned packages. Only a build of an environment needs it. Ubuntu
# 22.04 has 3.10 as python3, and 3.11 as a package beside it.
python() {
	for interpreter in python3 python3.13 python3.12 python3.11; do
		"$interpreter" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
			2>/dev/null && return
	done
	local package=python3.11 minor
	minor=$(python3 -c 'import sys; print(sys.version_info[1])' 2>/dev/null) || minor=0
	((minor < 11 || minor > 13)) || package=python3 # it lacks venv only
	die "build the environments: the pinned packages need Python 3.11 to 3.13 with the venv module (found: $(python3 --version 2>&1))
  on Debian or Ubuntu: apt-get install -y $package $package-venv"
}

# pins NAME: prints the file with the pinned packages of the environment NAME. The newest version's has no number.
pins() {
	local list=$here/requirements/$1.txt
	[[ -f $list ]] || list=$here/requirements/${1%%-*}.txt
	echo "$list"
}

# fresh NAME: succeeds if the environment NAME is complete and has the pinned packages.
fresh() {
	stamped "$cache/$1/.complete" "$(digest "$(pins "$1")")" && [[ -x $cache/$1/bin/python ]]
}

# environment NAME CHECK [PIP OPTION...]: builds a virtual environment in its final place, because its scripts
# contain the path of the interpreter. It writes the stamp once Python can import the modules CHECK.
environment() {
	local name=$1 check=$2 list start=$SECONDS
	list=$(pins "$1")
	shift 2
	say "installing $name (log: $cache/$name.log)"
	rm -rf "${cache:?}/$name"
	{
		"$interpreter" -m venv "$cache/$name" &&
			"$cache/$name/bin/pip" install --disable-pip-version-check --no-input "$@" -r "$list" &&
			finish "$name" &&
			"$cache/$name/bin/python" -c "import $check"
	} >"$cache/$name.log" 2>&1 || {
		tail -n 20 "$cache/$name.log" >&2
		die "install $name: see $cache/$name.log"
	}
	stamp "$cache/$name/.complete" "$(digest "$list")"
	say "$name installed in $((SECONDS - start)) s"
}

# finish NAME: adds metadata to vLLM. It looks for a package vllm, but its CPU build has another name, and it selects
# the CPU platform only if the version ends in +cpu.
finish() {
	[[ $1 == vllm-* ]] || return 0
	local info
	info=$("$cache/$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/$1+cpu.dist-info
	mkdir -p "$info" && printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "${1#vllm-}" >"$info/METADATA"
}

# build NAME: builds an environment with its own check and options.
build() {
	case $1 in
	aiperf-*) environment "$1" aiperf.cli ;;
	dynamo-*) environment "$1" dynamo.frontend,dynamo.mocker --no-deps ;;
	bench-*) environment "$1" pandas,matplotlib,seaborn ;;
	vllm-*) environment "$1" vllm.platforms,dynamo.vllm.args,nixl --no-deps ;;
	esac
}

# environments NAME...: builds the missing environments, two at a time, and waits for all even if one fails.
environments() {
	local missing=() pids=() failed=0 name pid
	for name; do fresh "$name" || missing+=("$name"); done
	((${#missing[@]} > 0)) || return 0
	python
	for name in "${missing[@]}"; do
		((${#pids[@]} < 2)) || { wait "${pids[0]}" || failed=1; pids=("${pids[@]:1}"); }
		build "$name" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
	((failed == 0)) || exit 1
}

# model creates models/tiny, which every engine and aiperf can load without weights.
model() {
	local dir=$cache/models/tiny word
	word=$(digest "$here/tiny_model.py" "$here/requirements/aiperf.txt")
	stamped "$dir/.complete" "$word" && return
	say "creating $dir"
	rm -rf "$dir.tmp" "$dir"
	mkdir -p "$dir.tmp"
	"$cache/aiperf-0.13.0/bin/python" "$here/tiny_model.py" "$dir.tmp" || die "create the tiny model"
	stamp "$dir.tmp/.complete" "$word"
	mv "$dir.tmp" "$dir"
}

# apt TOOL ARGUMENT...: runs apt-get or apt-cache with lists and caches of our own, so that it needs neither root
# nor existing lists.
apt() {
	local tool=$1
	shift
	"$tool" -qq -o APT::Sandbox::User= -o Dir::State::lists="$debs/new/lists" -o Dir::Cache="$debs/new" "$@" 2>>"$debs/apt.log"
}

# unpack ROOT PACKAGE...: downloads the newest packages and unpacks them below ROOT without installing them.
unpack() {
	local root=$1 fetched deb
	shift
	fetched=$(mktemp -d -p "$debs/new")
	(cd "$fetched" && apt apt-get download "$@") || {
		tail -n 20 "$debs/apt.log" >&2
		die "download the packages $*: install them by hand (apt-get install $*)"
	}
	for deb in "$fetched"/*.deb; do dpkg -x "$deb" "$root"; done
}

# complete ROOT BINARY PACKAGE: unpacks the shared libraries that BINARY needs and this machine lacks.
complete() {
	local root=$1 binary=$2 package=$3 libraries
	ldd "$binary" 2>/dev/null | grep -q 'not found' || return 0
	read -ra libraries <<<"$(apt apt-cache depends "$package" | awk '$1 == "Depends:" && $2 ~ /^lib/ && $2 !~ /^libc6$|^libnginx/ {print $2}' | xargs)"
	unpack "$root" "${libraries[@]}"
	mv "$binary" "$binary.bin"
	cat >"$binary" <<-'END'
		#!/bin/sh
		# Runs the program with the libraries unpacked beside it.
		root=$(cd "$(dirname "$0")/../.." && pwd)
		LD_LIBRARY_PATH=$(echo "$root"/usr/lib/*-linux-gnu "$root"/lib/*-linux-gnu | tr ' ' ':') exec "$0.bin" "$@"
	END
	chmod 755 "$binary"
	! LD_LIBRARY_PATH=$(echo "$root"/usr/lib/*-linux-gnu "$root"/lib/*-linux-gnu | tr ' ' ':') ldd "$binary.bin" |
		grep 'not found' >>"$debs/apt.log" || die "run the unpacked $package: install it by hand (apt-get install $package)"
}

# servers BINARY...: uses each server from PATH, or unpacks its package into debs/root, which it replaces as a whole.
servers() {
	local missing=() name root=$debs/new/root path
	declare -A package=([nginx]=nginx [etcd]=etcd-server [nats-server]=nats-server [sshd]=openssh-server)
	for name; do
		command -v "$name" >/dev/null || [[ -x $(unpacked "$debs/root" "$name") ]] || missing+=("$name")
	done
	((${#missing[@]} > 0)) || return 0
	{ command -v apt-get && command -v dpkg; } >/dev/null ||
		die "find ${missing[*]} on PATH, or apt to download it: install it by hand"
	say "fetching ${missing[*]}"
	lists
	[[ ! -d $debs/root ]] || cp -a "$debs/root/." "$root"
	for name in "${missing[@]}"; do
		unpack "$root" "${package[$name]}"
		# In some releases nginx's binary is in a flavour package.
		[[ $name != nginx || -x $(unpacked "$root" nginx) ]] || unpack "$root" nginx-light
		path=$(unpacked "$root" "$name")
		[[ -x $path ]] || die "find $name in the package ${package[$name]}: install it by hand"
		complete "$root" "$path" "${package[$name]}"
	done
	rm -rf "$debs/root"
	mv "$root" "$debs/root"
	rm -rf "$debs/new"
}

# lists makes debs/new with the package lists of this system.
lists() {
	rm -rf "$debs/new"
	mkdir -p "$debs/new/root" "$debs/new/archives/partial" "$debs/new/lists/partial"
	: >"$debs/apt.log"
	apt apt-get update || say "some package lists could not be updated: see $debs/apt.log"
}

# browser uses Chromium from PATH, or unpacks it into debs/browser with all packages that this machine lacks. The test
# of the page is skipped on a system without either: Ubuntu has Chromium as a snap only.
browser() {
	local name packages root=$debs/new/root
	[[ ! -x $debs/browser/chromium ]] || return 0
	for name in chromium-headless-shell chromium chromium-browser google-chrome; do
		! command -v "$name" >/dev/null || return 0
	done
	{ command -v apt-get && command -v dpkg; } >/dev/null || { say "no Chromium, and no apt to download it"; return; }
	lists
	packages=$(apt apt-get -s install --no-install-recommends chromium-headless-shell | awk '$1 == "Inst" {print $2}') || packages=
	[[ -n $packages ]] || { say "no Chromium: this system has no package chromium-headless-shell"; return; }
	say "fetching Chromium"
	# shellcheck disable=SC2086 # the names of packages are words
	(unpack "$root" $packages) || return 0
	cat >"$root/chromium" <<-'END'
		#!/bin/sh
		# Runs Chromium with the libraries unpacked beside it.
		root=$(cd "$(dirname "$0")" && pwd)
		LD_LIBRARY_PATH=$(echo "$root"/usr/lib/*-linux-gnu "$root"/usr/lib/*-linux-gnu/pulseaudio | tr ' ' ':') exec "$root/usr/lib/chromium/chromium-headless-shell" "$@"
	END
	chmod 755 "$root/chromium"
	rm -rf "$debs/browser"
	mv "$root" "$debs/browser"
	rm -rf "$debs/new"
}

# machines uses sshd and Slurm from PATH, or unpacks them into debs/hosts with all packages that this machine lacks:
# a layer of the file system of the tests' machines.
machines() {
	local name missing=() packages root=$debs/new/root dir
	for name in sshd ssh ssh-keygen ip nsenter srun slurmctld slurmd munged; do
		command -v "$name" >/dev/null || missing+=("$name")
	done
	((${#missing[@]} > 0)) && [[ ! -d $debs/hosts ]] || return 0
	{ command -v apt-get && command -v dpkg; } >/dev/null ||
		die "find ${missing[*]} on PATH, or apt to download them: install OpenSSH's server, Slurm, munge and iproute2 by hand"
	say "fetching ${missing[*]}"
	lists
	packages=$(apt apt-get -s install --no-install-recommends openssh-server openssh-client slurmctld slurmd slurm-client \
		munge iproute2 | awk '$1 == "Inst" {print $2}') || die "select the packages of ${missing[*]}: see $debs/apt.log"
	# shellcheck disable=SC2086 # the names of packages are words
	unpack "$root" $packages
	# The links of Debian's alternatives, which dpkg makes when it installs.
	for name in slurmctld slurmd slurmstepd; do
		[[ ! -e $root/usr/sbin/$name-wlm ]] || ln -sf "$name-wlm" "$root/usr/sbin/$name"
	done
	# /lib and its like are links to /usr/lib in the layer below; a directory would hide them.
	for dir in bin sbin lib lib64; do
		[[ -d $root/$dir ]] || continue
		mkdir -p "$root/usr/$dir" && cp -a "$root/$dir/." "$root/usr/$dir/" && rm -rf "${root:?}/$dir"
	done
	rm -rf "$debs/hosts"
	mv "$root" "$debs/hosts"
	rm -rf "$debs/new"
}

# containers unpacks containerd and what a node of Kubernetes needs beside it into debs/kube, with all packages that
# this machine lacks. It fails where that is not possible.
containers() {
	local packages link wanted=(containerd runc containernetworking-plugins iptables conntrack socat etcd-server busybox-static)
	stamped "$debs/kube/.complete" "${wanted[*]}" && return
	{ command -v apt-get && command -v dpkg; } >/dev/null || { say "no apt to download containerd"; return 1; }
	lists
	packages=$(apt apt-get -s install --no-install-recommends "${wanted[@]}" | awk '$1 == "Inst" {print $2}') ||
		{ say "no containerd: this system lacks one of the packages ${wanted[*]}"; return 1; }
	say "fetching containerd"
	# shellcheck disable=SC2086 # the names of packages are words
	[[ -z $packages ]] || (unpack "$debs/new/root" $packages) || return 1
	mkdir -p "$debs/new/root/usr/sbin"
	for link in {iptables,ip6tables}{,-save,-restore}; do # which the package makes when it is installed
		ln -sf xtables-nft-multi "$debs/new/root/usr/sbin/$link"
	done
	stamp "$debs/new/root/.complete" "${wanted[*]}"
	rm -rf "$debs/kube"
	mv "$debs/new/root" "$debs/kube"
	rm -rf "$debs/new"
}

# built NAME FILE...: builds a program of the cluster, unless it was built from the same sources.
built() {
	local name=$1 word start=$SECONDS
	shift
	word=$(digest "$here/kube/build.sh" "$@")
	stamped "$cache/kube/.$name" "$word" && return
	say "building $name (log: $cache/kube/$name.log)"
	mkdir -p "$cache/kube"
	nice -n 10 "$here/kube/build.sh" "$cache/kube" "$name" >"$cache/kube/$name.log" 2>&1 || {
		tail -n 20 "$cache/kube/$name.log" >&2
		die "build $name: see $cache/kube/$name.log"
	}
	stamp "$cache/kube/.$name" "$word"
	say "$name built in $((SECONDS - start)) s"
}

# cluster prepares a cluster of one node, which only root can run.
cluster() {
	((EUID == 0)) || { say "no cluster: only root can run one"; return; }
	containers || return 0
	built kube "$here"/kube/testdata/cmd/kube/*.go
	built operator "$here"/kube/testdata/cmd/{operator,pause}/*.go
}

# unpacked ROOT NAME: prints the path of an unpacked binary.
unpacked() {
	if [[ -e $1/usr/sbin/$2 ]]; then echo "$1/usr/sbin/$2"; else echo "$1/usr/bin/$2"; fi
}

main() {
	local need=(nginx) with=(aiperf-0.13.0 dynamo-1.6.1)
	local older=(aiperf-0.9.0 aiperf-0.1.1 dynamo-1.0.2 dynamo-0.5.1)
	case ${1-} in
	demo) ;;
	test) need+=(etcd nats-server sshd) ;;
	real) need+=(etcd nats-server) with+=("${older[@]}") ;;
	bench) with+=(bench-1) ;;
	report) ;;
	hosts) need+=(etcd nats-server) ;;
	engines) with+=(vllm-0.31.0) ;;
	kube) ;;
	all) need+=(etcd nats-server sshd) with+=("${older[@]}" bench-1) ;;
	*) die "set up \"${1-}\": use setup.sh demo|test|real|bench|report|hosts|engines|kube|all" ;;
	esac
	prerequisites
	exec 9>"$cache/.lock"
	flock -n 9 || { say "waiting for another set-up" && flock 9; }
	if [[ $1 == report ]]; then
		browser
		return
	fi
	environments "${with[@]}"
	model
	servers "${need[@]}"
	[[ $1 != hosts ]] || machines
	[[ $1 != kube ]] || cluster
}

main "$@"
