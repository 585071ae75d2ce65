package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/text"
)

// Compared names the engine options that two fair sides have in common, as vLLM and Dynamo's mocker name them. The
// guide lets them differ.
func Compared() []string {
	return []string{"block-size", "dtype", "enable-prefix-caching", "enforce-eager", "gpu-memory-utilization",
		"kv-cache-dtype", "max-model-len", "max-num-batched-tokens", "quantization"}
}

// engineOptions are the compared options that the arguments of an engine give.
func engineOptions(args []string) map[string]string {
	options := map[string]string{}
	for _, name := range Compared() {
		if value := option(args, name); value != "" {
			options[name] = value
		}
	}
	return options
}

// option is the value of --name in args: "on" for a flag without one, "off" for --no-name,
// "" if it is absent. As in argparse the last one counts; vLLM takes _ for - in a name.
func option(args []string, name string) string {
	found := ""
	for i, arg := range args {
		flag, value, joined := strings.Cut(arg, "=")
		switch flag = strings.ReplaceAll(flag, "_", "-"); {
		case flag == "--no-"+name:
			found = "off"
		case flag != "--"+name && !(flag == "-q" && name == "quantization"):
		case joined:
			found = value
		case i+1 < len(args) && !isFlag(args[i+1]):
			found = args[i+1]
		default:
			found = "on"
		}
	}
	return found
}

// settings are the compared options of a topology, with its engine. If its workers
// differ, the value names the roles: "prefill 4096, decode 8192".
func settings(p Plan, installed Versions) map[string]string {
	all, absent := map[string]string{"engine": engineName(p, installed)}, "default"
	if p.Engine == "command" {
		absent = "unknown" // its names of the options may be others
	}
	for _, name := range Compared() {
		var values, byRole []string
		for _, s := range p.Services {
			if s.Role.Worker() {
				value := cmp.Or(s.Options[name], absent)
				values, byRole = append(values, value), append(byRole, fmt.Sprintf("%s %s", s.Role, value))
			}
		}
		if values = text.Distinct(values); len(values) > 1 {
			values = text.Distinct(byRole)
		}
		all[name] = strings.Join(values, ", ")
	}
	return all
}

// engineName is the program that computes, with its version: vLLM also inside Dynamo's
// workers. The installed version counts, not the one that a profile names.
func engineName(p Plan, installed Versions) string {
	if p.Engine == "command" {
		i := slices.IndexFunc(p.Services, func(s Service) bool { return s.Role.Worker() })
		return commandName(p.Services[i].Argv) + " of unknown version"
	}
	name, version := "vLLM", cmp.Or(installed.VLLM, p.Versions.VLLM)
	if p.Simulated {
		name, version = "Dynamo mocker", cmp.Or(installed.Dynamo, p.Versions.Dynamo)
	}
	return name + " " + cmp.Or(string(version), "of unknown version")
}

// promptSlack is what a chat template adds to a prompt, in tokens, and the little by which
// a synthetic prompt misses its length.
const promptSlack = 64

// checkLength refuses a load whose requests the engines would answer with 400. It skips a limit that is not a number,
// such as auto.
func (b *builder) checkLength() {
	need := b.p.Load.ISL + b.p.Load.OSL + promptSlack
	for _, s := range b.plan.Services {
		limit := tokens(s.Options["max-model-len"])
		if limit > 0 && limit < need {
			b.fault("a request has up to %d tokens (isl %d, osl %d, %d for the chat template), "+
				"but %s takes --max-model-len %d: raise that in engine_args, or lower isl or osl",
				need, b.p.Load.ISL, b.p.Load.OSL, promptSlack, s.Name, limit)
			return
		}
	}
}

// tokens reads a number as vLLM does: 2k is 2000, 2K is 2048; 0 = not a number.
func tokens(limit string) int {
	scale := 1.0
	for suffix, factor := range map[string]float64{"k": 1000, "m": 1e6, "K": 1 << 10, "M": 1 << 20} {
		if rest, found := strings.CutSuffix(limit, suffix); found {
			limit, scale = rest, factor
			break
		}
	}
	n, err := strconv.ParseFloat(limit, 32)
	if err != nil {
		return 0
	}
	return int(n * scale)
}

// guideOrder is the order of flags in the guide's commands. Other flags keep their order,
// between the settings and the flags that close a command.
var guideOrder = map[string]int{
	"--model": -9, "--served-model-name": -8,
	"--block-size": -7, "--max-model-len": -6, "--max-num-batched-tokens": -5,
	"--tensor-parallel-size": -4, "--pipeline-parallel-size": -4, "--data-parallel-size": -3,
	"--gpu-memory-utilization": -2,
	"--disable-log-requests":   1, "--is-prefill-worker": 1, "--is-decode-worker": 1, "--disaggregation-mode": 1,
	"--kv-transfer-config": 2,
	"--host":               3, "--port": 4,
}

// ordered sorts flags, each with its values, as the guide has them.
func ordered(args []string) []string {
	var groups [][]string
	for _, arg := range args {
		if isFlag(arg) || len(groups) == 0 {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], arg)
	}
	slices.SortStableFunc(groups, func(a, b []string) int {
		return guideOrder[flagName(a[0])] - guideOrder[flagName(b[0])]
	})
	return slices.Concat(groups...)
}

// isFlag: a dash and a letter; a negative number is a value.
func isFlag(arg string) bool {
	name := strings.TrimLeft(arg, "-")
	return len(name) < len(arg) && name != "" && (name[0] < '0' || name[0] > '9')
}

// flagName is --flag, also of "--flag=value".
func flagName(arg string) string {
	name, _, _ := strings.Cut(arg, "=")
	return name
}
