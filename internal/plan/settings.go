package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// compared are the options of an engine that two fair sides have in common,
// named as vLLM and Dynamo's mocker name them. The guide lets them differ.
var compared = []string{ // never written to
	"block-size", "dtype", "enable-prefix-caching", "enforce-eager", "gpu-memory-utilization",
	"kv-cache-dtype", "max-model-len", "max-num-batched-tokens", "quantization",
}

// notGiven is the value of a setting that the engine decides.
const notGiven = "default"

// settings reads off the workers' commands what they are told of each compared
// option. Where the workers of a topology differ, the roles are named:
// "prefill 4096, decode 8192". The engine with its version is one of them.
func settings(p Plan, installed Versions) map[string]string {
	said := map[string]string{"engine": engineName(p, installed)}
	for _, name := range compared {
		var values, byRole []string
		for _, s := range p.Services {
			if s.Role.Worker() {
				value := option(s.Argv, name)
				values, byRole = append(values, value), append(byRole, fmt.Sprintf("%s %s", s.Role, value))
			}
		}
		if values = distinct(values); len(values) > 1 {
			values = distinct(byRole)
		}
		said[name] = strings.Join(values, ", ")
	}
	return said
}

// engineName is what computes: Dynamo's workers are vLLM inside.
// What is installed counts, not what the profile says it plans for.
func engineName(p Plan, installed Versions) string {
	name, version := "vLLM", cmp.Or(installed.VLLM, p.Versions.VLLM)
	if p.Simulated {
		name, version = "Dynamo mocker", cmp.Or(installed.Dynamo, p.Versions.Dynamo)
	}
	return name + " " + cmp.Or(string(version), "of unknown version")
}

// option is the value of --name in args: "on" of a flag without one, "off" of
// --no-name. As in argparse the last one counts; vLLM takes _ for - in a name.
func option(args []string, name string) string {
	said := notGiven
	for i, arg := range args {
		flag, value, joined := strings.Cut(arg, "=")
		switch flag = strings.ReplaceAll(flag, "_", "-"); {
		case flag == "--no-"+name:
			said = "off"
		case flag != "--"+name && !(flag == "-q" && name == "quantization"):
		case joined:
			said = value
		case i+1 < len(args) && !isFlag(args[i+1]):
			said = args[i+1]
		default:
			said = "on"
		}
	}
	return said
}

// distinct keeps the first of equal texts, in order.
func distinct(texts []string) []string {
	var kept []string
	for _, text := range texts {
		if !slices.Contains(kept, text) {
			kept = append(kept, text)
		}
	}
	return kept
}
