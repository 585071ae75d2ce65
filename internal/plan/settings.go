package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/profile"
	"topobench/internal/text"
)

// Compared names the engine options that the comparison always has, as vLLM and Dynamo's mocker name them. It has every
// other option that an argument gives besides. The guide lets them differ.
func Compared() []string {
	return []string{"block-size", "dtype", "enable-prefix-caching", "enforce-eager", "gpu-memory-utilization",
		"kv-cache-dtype", "max-model-len", "max-num-batched-tokens", "quantization"}
}

// engineOptions are the options that the arguments of an engine give, by name. A secret is not shown.
func engineOptions(args []string) map[string]string {
	options := map[string]string{}
	for _, o := range profile.Options(args) {
		if isSecret(o.Name, o.Value) {
			o.Value = withheld
		}
		options[o.Name] = unsecret(o.Value)
	}
	return options
}

// option is the value of --name in args, "" if it is absent.
func option(args []string, name string) string { return engineOptions(args)[name] }

// optionsOf are the options of a worker: those of its arguments, over those of the engine's own configuration file.
func (b *builder) optionsOf(w profile.Worker) map[string]string {
	options := engineOptions(b.engineArgs(w))
	file, read := b.here.Configs[options["config"]]
	if !read {
		return options
	}
	delete(options, "config") // its content is compared
	for name, value := range file {
		name, _ = profile.OptionName("--" + name)
		if _, given := options[name]; isSecret(name, value) && !given {
			options[name] = withheld
		} else if !given {
			options[name] = unsecret(value)
		}
	}
	return options
}

// settings are the options of a topology, with its engine.
func settings(p Plan, installed Versions) map[string]string {
	names := Compared()
	for _, s := range p.Services {
		names = append(names, slices.Collect(maps.Keys(s.Options))...)
	}
	absent := "default"
	if p.Engine == "command" {
		absent = "unknown" // its names of the options may be others
	}
	all := byRole(p, names, absent, func(s Service) map[string]string { return s.Options })
	all["engine"] = engineName(p, installed)
	return all
}

// byRole has one value for each name. If the workers differ, the value names the roles: "prefill 4096, decode 8192".
func byRole(p Plan, names []string, absent string, of func(Service) map[string]string) map[string]string {
	all := map[string]string{}
	for _, name := range names {
		var values, roles []string
		for _, s := range p.Services {
			if s.Role.Worker() {
				value := cmp.Or(of(s)[name], absent)
				values, roles = append(values, value), append(roles, fmt.Sprintf("%s %s", s.Role, value))
			}
		}
		if values = text.Distinct(values); len(values) > 1 {
			values = text.Distinct(roles)
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
	groups := Groups(args)
	slices.SortStableFunc(groups, func(a, b []string) int {
		return guideOrder[flagName(a[0])] - guideOrder[flagName(b[0])]
	})
	return slices.Concat(groups...)
}

// Groups splits arguments: each flag with its values, any other argument alone.
func Groups(args []string) (groups [][]string) {
	for i, arg := range args {
		if i == 0 || profile.IsFlag(arg) || !profile.IsFlag(groups[len(groups)-1][0]) {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], arg)
	}
	return groups
}

// flagName is --flag, also of "--flag=value".
func flagName(arg string) string {
	name, _, _ := strings.Cut(arg, "=")
	return name
}
