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
	}
}

// checkEvidence refuses arguments that take away what topobench measures or judges by.
func checkEvidence(p Profile) (found problems) {
	found.options(p, "engine_args", p.EngineArgs, len(p.Decode) > 0)
	for _, w := range p.workers() {
		found.options(p, w.path+".engine_args", w.EngineArgs, strings.HasPrefix(w.path, "decode"))
	}
	return found
}

// options checks the arguments at path; decode means that decode workers get them.
func (found *problems) options(p Profile, path string, args []string, decode bool) {
	for _, o := range Options(args) {
		i, option := o.Index, strings.ReplaceAll(o.Flag, "_", "-")
		for _, c := range closings() {
			if slices.Contains(c.engines, p.Engine) && names(option, c.option) && !slices.Contains(c.serving, o.Value) {
				found.add(index(path, i), "%s: with it vLLM %s; remove it", option, c.why)
			}
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
