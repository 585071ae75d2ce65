package plan

import (
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/profile"
	"topobench/internal/text"
)

// Variables are environment variables with the reason why children do or do not receive
// them. A name that ends in * is a prefix.
type Variables struct {
	Names []string
	Why   string
}

// Inherited are the variables of the caller that children receive, unless NeverInherited
// has them too. The caller's cloud credentials are not among them.
func Inherited() []Variables {
	return []Variables{
		{[]string{"PATH", "HOME", "USER", "LOGNAME", "LD_LIBRARY_PATH"}, "programs and libraries are found by them"},
		{[]string{"LANG", "LANGUAGE", "LC_*", "TZ"}, "language and time zone"},
		{[]string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
			"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"},
			"downloads go through proxies and their certificates"},
		{[]string{"XDG_CACHE_HOME", "HF_*"}, "caches, and access to models"},
		{[]string{"CUDA_*", "NVIDIA_*", "NCCL_*", "UCX_*", "VLLM_*"}, "settings of GPUs, their network, and vLLM"},
		{[]string{"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS"}, "settings of engines on the CPU"},
	}
}

// NeverInherited are variables of the caller that would misdirect a child.
func NeverInherited() []Variables {
	return []Variables{
		{[]string{"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"}, "the profile assigns the GPUs"},
		{[]string{"VLLM_PORT", "VLLM_NIXL_*"}, "topobench assigns the ports of vLLM and NIXL"},
	}
}

// Inherit picks from an environment the names that children receive, sorted.
func Inherit(environ []string) []string {
	var names []string
	for _, kv := range environ {
		name, _, found := strings.Cut(kv, "=")
		if found && profile.IsVariable(name) && !among(name, NeverInherited()) && among(name, Inherited()) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func among(name string, table []Variables) bool {
	return slices.ContainsFunc(table, func(v Variables) bool {
		return slices.ContainsFunc(v.Names, func(pattern string) bool {
			prefix, is := strings.CutSuffix(pattern, "*")
			return name == pattern || is && strings.HasPrefix(name, prefix)
		})
	})
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

// Assignment is a variable that topobench sets for every child.
type Assignment struct{ Name, Value, Why string }

// Bookkeeping is in the environment of every child.
func Bookkeeping(at Placement) []Assignment {
	return []Assignment{
		{artifacts.RunVariable, at.Cookie, "the run id, by which clean recognises a process of the run"},
		{"SPT_NOENV", "1", "keeps setproctitle (vLLM, aiperf) from erasing TOPOBENCH_RUN"},
		{"TMPDIR", at.Temp, "a short private directory, removed at the end"},
		{"PYTHONUNBUFFERED", "1", "logs grow at once"},
		{"VLLM_NO_USAGE_STATS", "1", "switches telemetry off"},
		{"DO_NOT_TRACK", "1", "switches telemetry off"},
		{"HF_HUB_DISABLE_TELEMETRY", "1", "switches telemetry off"},
	}
}

func bookkeeping() []string {
	return text.Each(Bookkeeping(Unplaced()), func(a Assignment) string { return a.Name + "=" + a.Value })
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
