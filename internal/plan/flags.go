package plan

import (
	"slices"
	"strings"
)

// guideOrder is the order of flags in the guide's commands. Other flags keep their order,
// between the settings and the flags that close a command.
var guideOrder = map[string]int{
	"--model": -9, "--served-model-name": -8,
	"--block-size": -7, "--max-model-len": -6, "--max-num-batched-tokens": -5,
	"--tensor-parallel-size": -4, "--data-parallel-size": -3, "--gpu-memory-utilization": -2,
	"--disable-log-requests": 1, "--is-prefill-worker": 1, "--is-decode-worker": 1, "--disaggregation-mode": 1,
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
