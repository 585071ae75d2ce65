package plan

import (
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/profile"
)

// Names that children inherit, since programs run and find GPUs, caches and proxies by
// them. The shell's cloud credentials are not among them, nor is anything that would
// misdirect Dynamo or vLLM.
var ( // never written to
	inheritNames = []string{"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ",
		"LD_LIBRARY_PATH", "XDG_CACHE_HOME",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
		"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS"}
	inheritPrefixes = []string{"LC_", "CUDA_", "NCCL_", "UCX_", "HF_", "VLLM_", "NVIDIA_"}
	neverInherited  = []string{"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "VLLM_PORT"}
	neverPrefixes   = []string{"VLLM_NIXL_"}
)

// Inherit picks from an environment the names that children receive, sorted.
func Inherit(environ []string) []string {
	var names []string
	for _, kv := range environ {
		name, _, found := strings.Cut(kv, "=")
		if found && inherits(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func inherits(name string) bool {
	if !profile.IsVariable(name) || slices.Contains(neverInherited, name) || hasPrefix(name, neverPrefixes) {
		return false
	}
	return slices.Contains(inheritNames, name) || hasPrefix(name, inheritPrefixes)
}

func hasPrefix(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// Environ is the whole environment of a child: the inherited variables of the
// caller, then own, in which a value "${ENV:NAME}" is replaced by the caller's
// variable NAME. A name without "=" is not inherited. Missing NAMEs are returned.
func Environ(caller, own []string) (env []string, missing []string) {
	value := map[string]string{}
	for _, kv := range caller {
		if name, v, found := strings.Cut(kv, "="); found {
			value[name] = v
		}
	}
	for _, name := range Inherit(caller) {
		if !slices.Contains(own, name) {
			env = append(env, name+"="+value[name])
		}
	}
	for _, kv := range own {
		name, v, set := strings.Cut(kv, "=")
		if !set {
			continue
		}
		if ref, ok := profile.Reference(v); ok {
			secret, known := value[ref]
			if !known {
				missing = append(missing, ref)
			}
			v = secret
		}
		env = append(env, name+"="+v)
	}
	return env, missing
}

// bookkeeping is in the environment of every child. SPT_NOENV keeps setproctitle
// (vLLM, aiperf) from erasing the cookie; the rest switches telemetry off.
func bookkeeping(at Placement) []string {
	return []string{
		artifacts.RunVariable + "=" + at.Cookie, "SPT_NOENV=1", "TMPDIR=" + at.Temp, "PYTHONUNBUFFERED=1",
		"VLLM_NO_USAGE_STATS=1", "DO_NOT_TRACK=1", "HF_HUB_DISABLE_TELEMETRY=1",
	}
}

// pairs turns a map of the profile into sorted NAME=value.
func pairs(m map[string]string) []string {
	var kv []string
	for name, v := range m {
		kv = append(kv, name+"="+v)
	}
	slices.Sort(kv)
	return kv
}
