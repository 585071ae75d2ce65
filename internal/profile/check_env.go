package profile

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// IsVariable reports whether a shell would take the text for a variable's name.
func IsVariable(text string) bool { return envName.MatchString(text) }

// Reference reads "${ENV:NAME}", the name of a variable of the caller. It goes into a script unquoted.
func Reference(value string) (name string, is bool) {
	name, begins := strings.CutPrefix(value, "${ENV:")
	name, ends := strings.CutSuffix(name, "}")
	return name, begins && ends && IsVariable(name)
}

// protected are the variables that topobench sets itself, with the reason. A name that ends in _ is a prefix.
var protected = []struct{ name, why string }{
	{"CUDA_VISIBLE_DEVICES", "a worker's cuda_visible_devices sets it"},
	{"CUDA_DEVICE_ORDER", "topobench sets PCI_BUS_ID, the order in which nvidia-smi counts"},
	{"DYN_NAMESPACE", "each launch has a namespace of its own"},
	{"DYN_SYSTEM_PORT", "the ports follow from port_base"},
	{"VLLM_PORT", "the ports follow from port_base"},
	{"VLLM_NIXL_SIDE_CHANNEL_PORT", "the ports follow from port_base"},
	{"TMPDIR", "each run has a private one, and proves that it is empty at the end; TOPOBENCH_TMP names its place"},
	{"SPT_NOENV", "without it a leftover process could not be recognised"},
	{"TOPOBENCH_", "these are topobench's own variables"},
}

// checkEnvironment also looks at the arguments: a secret there would be readable by every user of the machine.
func checkEnvironment(p Profile) (found problems) {
	checkEnv(&found, "env", p.Env)
	checkSecrets(&found, "engine_args", p.EngineArgs)
	if p.Command != nil {
		checkSecrets(&found, "command.argv", p.Command.Argv)
	}
	for _, w := range p.workers() {
		checkEnv(&found, w.path+".env", w.Env)
		checkSecrets(&found, w.path+".engine_args", w.EngineArgs)
	}
	checkCounters(&found, p)
	return found
}

// checkCounters refuses one directory of counters for two workers: each would report the requests of both.
func checkCounters(found *problems, p Profile) {
	first := map[string]namedWorker{} // by directory
	for _, w := range p.workers() {
		for _, name := range []string{"PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"} {
			at := join(w.path, "env") + "." + name
			dir, own := w.Env[name]
			if !own {
				dir, at = p.Env[name], join("env", name)
			}
			if other, taken := first[dir]; dir != "" && taken {
				found.add(at+"#", "%s and %s would share their counters in %s: remove it (each server makes a "+
					"directory of its own), or give each worker another", w.name, other.name, name)
				return
			}
			first[dir] = w
		}
	}
}

func checkEnv(found *problems, path string, env map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(env)) {
		at := join(path, name)
		if !IsVariable(name) {
			found.add(at+"#", "%.80q is not the name of an environment variable", name)
		}
		for _, p := range protected {
			if name == p.name || strings.HasSuffix(p.name, "_") && strings.HasPrefix(name, p.name) {
				found.add(at+"#", "%s is set by topobench itself: remove it (%s)", name, p.why)
			}
		}
		if _, whole := Reference(env[name]); !whole && strings.Contains(strings.ToUpper(env[name]), "${ENV:") {
			found.add(at, "cannot expand %.80q: ${ENV:NAME} is the whole value or none of it", env[name])
		}
		if LooksSecret(env[name]) {
			found.add(at, "%.80q looks like a secret: use ${ENV:NAME} with the name of a variable that holds it", name)
		}
	}
}

func checkSecrets(found *problems, path string, args []string) {
	for i, arg := range args {
		_, value, _ := strings.Cut(arg, "=")
		if LooksSecret(arg) || LooksSecret(value) {
			found.add(index(path, i),
				"an argument looks like a secret, and arguments are public: put it into env, as ${ENV:NAME}")
		}
	}
}

// LooksSecret recognises the tokens of Hugging Face, OpenAI, NVIDIA and GitHub.
func LooksSecret(value string) bool { return hasAnyPrefix(value, "hf_", "sk-", "nvapi-", "ghp_") }

func hasAnyPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(s, prefix) })
}
