#!/usr/bin/env bash
# Builds the programs of a cluster for tests from their source, which the Go module proxy has.
#
#   build.sh DIRECTORY kube        all of Kubernetes' servers and kubectl, in one program; 4 GB while it builds
#   build.sh DIRECTORY operator    the stand-in of NVIDIA's operator, and pause
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=v1.37.2
libraries=v0${version#v1} # of Kubernetes' own modules

to=$(realpath -m "$1")
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
# With caches of its own the build leaves nothing behind.
export CGO_ENABLED=0 GOFLAGS='-buildvcs=false -mod=mod' GOWORK=off
export GOCACHE=${KUBE_GOCACHE:-$work/cache} GOMODCACHE=${KUBE_GOMODCACHE:-$work/modules}

# replacements: Kubernetes' go.mod takes its own modules from its tree.
replacements() {
	local dir
	dir=$(go mod download -json "k8s.io/kubernetes@$version" | sed -n 's/.*"Dir": "\(.*\)",*/\1/p')
	echo 'replace ('
	grep '=> ./staging' "$dir/go.mod" | awk -v version="$libraries" '{print "\t" $1 " => " $1 " " version}'
	echo ')'
}

kube() {
	{ printf 'module kube\n\ngo 1.26.0\n\nrequire k8s.io/kubernetes %s\n\n' "$version" && replacements; } >"$work/go.mod.tmp"
	mkdir "$work/kube"
	mv "$work/go.mod.tmp" "$work/kube/go.mod"
	cp "$here/testdata/cmd/kube/main.go" "$work/kube"
	cd "$work/kube"
	go mod tidy
	local names=k8s.io/component-base/version minor=${version#v1.}
	go build -trimpath -o "$to/kube" -ldflags \
		"-s -w -X $names.gitVersion=$version -X $names.gitMajor=1 -X $names.gitMinor=${minor%.*}" .
	printf '#!/bin/sh\nexec "%s/kube" kubectl "$@"\n' "$to" >"$to/kubectl"
	chmod 755 "$to/kubectl"
}

operator() {
	local name
	for name in operator pause; do
		mkdir "$work/$name"
		cp "$here/testdata/cmd/$name"/*.go "$work/$name"
		cd "$work/$name"
		printf 'module %s\n\ngo 1.26.0\n' "$name" >go.mod
		if [[ $name == operator ]]; then
			go mod edit -require "k8s.io/client-go@$libraries" -require "k8s.io/apimachinery@$libraries"
		fi
		go mod tidy
		go build -trimpath -ldflags '-s -w' -o "$to/$name" .
	done
}

mkdir -p "$to"
cd "$work"
"$2"
