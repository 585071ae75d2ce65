// Package tools finds the programs that topobench drives: a Python with Dynamo,
// vllm, aiperf, nginx, etcd and nats-server.
//
// A path somebody gave is used or refused, never replaced by another. Without
// one, the tool cache that setup.sh fills comes before PATH, and a part of the
// cache that was not finished does not count. Nothing is run and nothing is
// installed: every answer comes from the file system, and a failure names all
// tools that are missing, every place that was looked at, and how to install each.
package tools

import (
	"os"
	"path/filepath"
	"strings"
)

// Tool is a program by the word that names its flag, its profile key and its
// environment variable.
type Tool string

// Variable is TOPOBENCH_ and the tool's word in capitals.
func (t Tool) Variable() string {
	return "TOPOBENCH_" + strings.ReplaceAll(strings.ToUpper(string(t)), "-", "_")
}

const (
	Python Tool = "python" // the interpreter that can import dynamo
	VLLM   Tool = "vllm"
	AIPerf Tool = "aiperf"
	Nginx  Tool = "nginx"
	Etcd   Tool = "etcd"
	NATS   Tool = "nats" // nats-server

	NvidiaSMI Tool = "nvidia-smi" // optional: comes with the driver, not with us
)

// Bins is one path for each tool; empty means none was given.
type Bins struct{ Python, VLLM, AIPerf, Nginx, Etcd, NATS, NvidiaSMI string }

// Of returns the path that was given for one tool.
func (b Bins) Of(t Tool) string {
	switch t {
	case Python:
		return b.Python
	case VLLM:
		return b.VLLM
	case AIPerf:
		return b.AIPerf
	case Nginx:
		return b.Nginx
	case Etcd:
		return b.Etcd
	case NATS:
		return b.NATS
	case NvidiaSMI:
		return b.NvidiaSMI
	}
	return ""
}

// Found is where a tool is, and which of the ways to name it decided.
type Found struct {
	Path   string // absolute; a link stays a link, for an environment's python is one
	Source string // "flag", "profile", "environment", "cache" or "PATH"
}

// place is what is known of one tool beforehand.
type place struct {
	name    string // the program's name on PATH
	cached  string // below the cache directory; empty: setup.sh does not fetch it
	mark    string // below the cache directory, written last: without it cached is half made; empty if it appears whole
	last    bool   // PATH comes before the cache
	install string // what a person types to get it
}

func placeOf(t Tool) place {
	switch t {
	case Python:
		return place{"python3", "dynamo-1.6.1/bin/python", "dynamo-1.6.1/.complete", false, "make tools, or pip install 'ai-dynamo[vllm]' on a GPU node"}
	case VLLM:
		// A build for the CPU: who has one for GPUs wants that.
		return place{"vllm", "vllm-0.31.0/bin/vllm", "vllm-0.31.0/.complete", true, "pip install vllm on a GPU node, or make engines for one on the CPU"}
	case AIPerf:
		return place{"aiperf", "aiperf-0.13.0/bin/aiperf", "aiperf-0.13.0/.complete", false, "make tools, or pip install aiperf"}
	case Nginx:
		return place{"nginx", "debs/root/usr/sbin/nginx", "", false, "make tools, or apt-get install nginx"}
	case Etcd:
		return place{"etcd", "debs/root/usr/bin/etcd", "", false, "make tools, or apt-get install etcd-server"}
	case NATS:
		return place{"nats-server", "debs/root/usr/sbin/nats-server", "", false, "make tools, or apt-get install nats-server"}
	case NvidiaSMI:
		return place{name: "nvidia-smi", install: "it comes with NVIDIA's driver"}
	}
	return place{name: string(t), install: "it is not a tool topobench knows"}
}

// CacheDir is the directory setup.sh fills: TOPOBENCH_CACHE, else topobench
// below XDG_CACHE_HOME, else below .cache in HOME. It is empty when none of them
// is set. A nil getenv means os.Getenv.
func CacheDir(getenv func(string) string) string {
	if getenv == nil {
		getenv = os.Getenv
	}
	if dir := getenv("TOPOBENCH_CACHE"); dir != "" {
		return dir
	}
	// A relative XDG_CACHE_HOME is to be ignored (XDG Base Directory Specification).
	if dir := getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "topobench")
	}
	if dir := getenv("HOME"); dir != "" {
		return filepath.Join(dir, ".cache", "topobench")
	}
	return ""
}
