// Package programs finds the programs that topobench drives (a Python with Dynamo, vllm, aiperf, nginx, etcd and
// nats-server), probes their versions, and fetches models.
//
// A path that a flag, a profile or a variable names is used or refused, never replaced by another. Without one, PATH
// and the tool cache that internal/scripts/setup.sh fills are searched: PATH first for engines on GPUs, whose node or
// container has its own programs, the cache first for all else. Unfinished parts of the cache are skipped. Search
// reads the file system only; Prober starts programs.
package programs

import (
	"path/filepath"
	"strings"
)

// Tool is a program by the word that its flag, its profile key and its environment variable share.
type Tool string

// Variable is TOPOBENCH_ and the tool's word in capitals.
func (t Tool) Variable() string {
	return "TOPOBENCH_" + strings.ReplaceAll(strings.ToUpper(string(t)), "-", "_")
}

// The tools.
const (
	Python Tool = "python" // the interpreter that can import dynamo
	VLLM   Tool = "vllm"
	AIPerf Tool = "aiperf"
	Nginx  Tool = "nginx"
	Etcd   Tool = "etcd"
	NATS   Tool = "nats" // nats-server

	NvidiaSMI Tool = "nvidia-smi" // optional: part of the driver, never in the cache
)

// Tools are all tools.
func Tools() []Tool { return []Tool{Python, VLLM, AIPerf, Nginx, Etcd, NATS, NvidiaSMI} }

// Paths is one path for each tool; empty means none was given.
type Paths struct{ Python, VLLM, AIPerf, Nginx, Etcd, NATS, NvidiaSMI string }

// Of returns the path that was given for one tool.
func (p Paths) Of(t Tool) string {
	return map[Tool]string{Python: p.Python, VLLM: p.VLLM, AIPerf: p.AIPerf, Nginx: p.Nginx, Etcd: p.Etcd,
		NATS: p.NATS, NvidiaSMI: p.NvidiaSMI}[t]
}

// Absolute are the paths from the root on: another machine has another working directory.
func (p Paths) Absolute() Paths {
	for _, path := range []*string{&p.Python, &p.VLLM, &p.AIPerf, &p.Nginx, &p.Etcd, &p.NATS, &p.NvidiaSMI} {
		if absolute, err := filepath.Abs(*path); *path != "" && err == nil {
			*path = absolute
		}
	}
	return p
}

// Found is the place of a tool, and which of the ways to name it decided.
type Found struct {
	Path   string // absolute; symbolic links are kept, because an environment's python is one
	Source string // "flag", "profile", "environment", "cache" or "PATH"
	Passed string // what was passed over for it, or that no candidate fits, with the reasons; "" = it is the first
}

// place is where one tool is looked for.
type place struct {
	name    string // on PATH
	cached  string // below the cache directory; empty: setup.sh does not fetch it
	mark    string // below the cache directory; setup.sh writes it last. Empty if the tool appears whole
	install string // command that installs it
}

func placeOf(t Tool) place {
	return map[Tool]place{
		Python: {"python3", "dynamo-1.6.1/bin/python", "dynamo-1.6.1/.complete",
			"make tools, or pip install 'ai-dynamo[vllm]' on a GPU node"},
		VLLM: {"vllm", "vllm-0.31.0/bin/vllm", "vllm-0.31.0/.complete",
			"pip install vllm on a GPU node, or make engines for one on the CPU"},
		AIPerf: {"aiperf", "aiperf-0.13.0/bin/aiperf", "aiperf-0.13.0/.complete",
			"make tools, or pip install aiperf"},
		Nginx: {"nginx", "debs/root/usr/sbin/nginx", "", "make tools, or apt-get install nginx"},
		Etcd:  {"etcd", "debs/root/usr/bin/etcd", "", "make tools, or apt-get install etcd-server"},
		NATS: {"nats-server", "debs/root/usr/sbin/nats-server", "",
			"make tools, or apt-get install nats-server"},
		NvidiaSMI: {name: "nvidia-smi", install: "it is part of NVIDIA's driver"},
	}[t]
}

// The variables that name the tool cache.
const (
	CacheVariable = "TOPOBENCH_CACHE"
	XDGVariable   = "XDG_CACHE_HOME" // of the XDG Base Directory Specification
)

// CacheDir is the directory that setup.sh fills: TOPOBENCH_CACHE, else topobench below XDG_CACHE_HOME, else below
// .cache in HOME. It is empty when none of them is set.
func CacheDir(getenv func(string) string) string {
	if dir := getenv(CacheVariable); dir != "" {
		return dir
	}
	// The XDG Base Directory Specification has programs ignore a relative XDG_CACHE_HOME.
	if dir := getenv(XDGVariable); filepath.IsAbs(dir) {
		return filepath.Join(dir, "topobench")
	}
	if dir := getenv("HOME"); dir != "" {
		return filepath.Join(dir, ".cache", "topobench")
	}
	return ""
}
