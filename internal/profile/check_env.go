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

// protected variables are set by topobench itself: the GPUs of a worker, the
// cookie a leftover is recognised by, and what decides which code is run.
var protected = []string{
	"CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES", "DYN_NAMESPACE", "DYN_SYSTEM_PORT", "LD_PRELOAD", "PATH", "SPT_NOENV",
	"VLLM_NIXL_SIDE_CHANNEL_PORT", "VLLM_PORT",
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
	return found
}

func checkEnv(found *problems, path string, env map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(env)) {
		at := join(path, name)
		switch {
		case !IsVariable(name):
			found.add(at+"#", "%.80q is not the name of an environment variable", name)
		case slices.Contains(protected, name) || strings.HasPrefix(name, "TOPOBENCH_"):
			found.add(at+"#", "%s is set by topobench itself: remove it", name)
		}
		if _, whole := Reference(env[name]); !whole && strings.Contains(strings.ToUpper(env[name]), "${ENV:") {
			found.add(at, "cannot expand %.80q: ${ENV:NAME} is the whole value or none of it", env[name])
		}
		if looksSecret(env[name]) {
			found.add(at, "%.80q looks like a secret: use ${ENV:NAME} with the name of a variable that holds it", name)
		}
	}
}

func checkSecrets(found *problems, path string, args []string) {
	for i, arg := range args {
		_, value, _ := strings.Cut(arg, "=")
		if looksSecret(arg) || looksSecret(value) {
			found.add(index(path, i),
				"an argument looks like a secret, and arguments are public: put it into env, as ${ENV:NAME}")
		}
	}
}

// looksSecret recognises the tokens of Hugging Face, OpenAI, NVIDIA and GitHub.
func looksSecret(value string) bool { return hasAnyPrefix(value, "hf_", "sk-", "nvapi-", "ghp_") }

func hasAnyPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(s, prefix) })
}
