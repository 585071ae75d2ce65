package artifacts

import (
	"fmt"
	"slices"
	"strings"
)

// isDefault is the end of a value that no argument sets and that is known: "0.9 (default)".
const isDefault = " (default)"

// defaultOf is the value of an engine option that no argument sets, "" if it is unknown. The source is the argument
// parser of vLLM: these are the same in 0.8 and 0.31. Most other options have defaults that depend on the model, the
// GPU or the version, such as max-num-seqs, block-size and enable-prefix-caching.
func defaultOf(name, engine string) string {
	if !strings.HasPrefix(engine, "vLLM ") {
		return ""
	}
	switch name {
	case "dtype", "kv-cache-dtype", "load-format", "config-format", "tokenizer-mode", "model-impl":
		return "auto"
	case "enforce-eager", "enable-expert-parallel", "enable-eplb", "enable-dbo", "enable-lora", "trust-remote-code",
		"disable-custom-all-reduce", "disable-sliding-window":
		return "off"
	case "scheduling-policy":
		return "fcfs"
	case "cpu-offload-gb":
		return "0"
	case "stream-interval", "max-loras":
		return "1"
	case "max-lora-rank":
		return "16"
	case "gpu-memory-utilization":
		return memoryShare(engine)
	}
	return ""
}

// memoryShare is the part of a GPU's memory that vLLM takes. A release between 0.13 and 0.31 raised it.
func memoryShare(engine string) string {
	var minor int
	_, err := fmt.Sscanf(engine, "vLLM 0.%d.", &minor)
	switch {
	case err != nil, minor < 8, strings.Contains(engine, "dev"): // 0.0 and 0.1.dev are no releases
		return ""
	case minor < 13:
		return "0.9"
	case minor >= 31:
		return "0.92"
	}
	return ""
}

// withDefault names the default of an engine option, also of one role: "prefill 0.95, decode 0.9 (default)".
func withDefault(value, name, engine string) string {
	known := defaultOf(name, engine)
	if known == "" {
		return value
	}
	parts := strings.Split(value, ", ")
	for i, part := range parts {
		role, found := strings.CutSuffix(part, Default)
		if found && slices.Contains([]string{"", "prefill ", "decode ", "aggregated "}, role) {
			parts[i] = role + known + isDefault
		}
	}
	return strings.Join(parts, ", ")
}

// Alike reports whether values of one name are the same. A default is like the argument that sets it, and like a
// default that is not known.
func Alike(values []string) bool {
	set := func(value string) bool { return value != Default && !strings.HasSuffix(value, isDefault) }
	if slices.Contains(values, Default) && !slices.ContainsFunc(values, set) {
		return true
	}
	return !slices.ContainsFunc(values, func(value string) bool {
		return strings.TrimSuffix(value, isDefault) != strings.TrimSuffix(values[0], isDefault)
	})
}
