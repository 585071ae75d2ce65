package profile

import (
	"slices"
	"strings"
)

// noted is the Evidence of a profile whose cells count without it; else the rules require it.
const noted = "noted"

// NoCounters is the engine option that takes away vLLM's counters.
const NoCounters = "disable-log-stats"

// closing are options of an engine after which no probe or no completion can succeed.
type closing struct {
	option  string   // without dashes; "ssl-" is a prefix
	engines []string // whose option it is
	serving []string // values with which the server still completes; nil = there is none
	why     string
}

// keyRefused is what vLLM does with --api-key or VLLM_API_KEY.
const keyRefused = "answers 401, as neither probes nor the load send a key"

func closings() []closing {
	vllm, both := []string{"vllm"}, []string{"vllm", "dynamo"}
	return []closing{
		{"root-path", vllm, nil, "moves every page below a path, and the load is sent to /v1/chat/completions"},
		{"uds", vllm, nil, "listens on a socket file instead of a port"},
		{"headless", both, nil, "starts no server"},
		{"ssl-", vllm, nil, "serves HTTPS, and the load uses HTTP"},
		{"skip-tokenizer-init", vllm, nil, "cannot turn the text of a request into tokens"},
		{"task", both, []string{"auto", "generate"}, "serves no completions"},
		{"runner", both, []string{"auto", "generate"}, "serves no completions"},
		{"convert", both, []string{"auto", "none"}, "serves no completions"},
		{"api-key", vllm, nil, keyRefused},
	}
}

// closed is why an option of an engine closes a gate; "" = it does not.
func closed(engine, flag, value string) string {
	for _, c := range closings() {
		if slices.Contains(c.engines, engine) && names(flag, c.option) && !slices.Contains(c.serving, value) {
			return c.why
		}
	}
	return ""
}

// checkEvidence refuses arguments that take away what topobench measures or judges by.
func checkEvidence(p Profile) (found problems) {
	found.options(p, "engine_args", p.EngineArgs, len(p.Decode) > 0)
	found.key(p, "env", p.Env)
	for _, w := range p.workers() {
		found.key(p, w.path+".env", w.Env)
		found.options(p, w.path+".engine_args", w.EngineArgs, strings.HasPrefix(w.path, "decode"))
	}
	return found
}

// key refuses the variable that does what --api-key does.
func (found *problems) key(p Profile, path string, env map[string]string) {
	if name := "VLLM_API_KEY"; p.Engine == "vllm" && env[name] != "" {
		found.add(path+"."+name+"#", "%s: with it vLLM %s; remove it", name, keyRefused)
	}
}

// options checks the arguments at path; decode means that decode workers get them.
func (found *problems) options(p Profile, path string, args []string, decode bool) {
	for _, o := range Options(args) {
		i, option := o.Index, strings.ReplaceAll(o.Flag, "_", "-")
		if why := closed(p.Engine, option, o.Value); why != "" {
			found.add(index(path, i), "%s: with it vLLM %s; remove it", option, why)
		}
		counted := p.Engine == "vllm" || p.Engine == "dynamo" && decode
		if counted && names(option, NoCounters) && p.Evidence != noted {
			found.add(index(path, i), "%s takes away the counters by which each cell is checked (requests of a "+
				"worker, KV transfers); remove it, or set evidence: noted", option)
		}
	}
}

// names reports that an argument is an option or, as argparse takes it, an abbreviation of one.
func names(arg, option string) bool {
	const shortest = len("--abcd")
	return arg == "--"+option || len(arg) >= shortest && strings.HasPrefix("--"+option, arg) ||
		strings.HasSuffix(option, "-") && strings.HasPrefix(arg, "--"+option)
}

// HasOption reports that arguments have an option, without a value, as an engine takes it.
func HasOption(args []string, option string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return names(strings.ReplaceAll(arg, "_", "-"), option) })
}
