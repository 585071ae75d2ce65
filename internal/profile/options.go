package profile

import "strings"

// Option is one option among the arguments of an engine.
type Option struct {
	Index       int    // of its argument
	Flag        string // its argument without the value
	Name, Value string // Value is "on" for a flag without one, "off" for --no-name
}

// Options reads the arguments of an engine, as argparse does: the last option of a name counts.
func Options(args []string) (options []Option) {
	for i := 0; i < len(args); {
		flag, value, joined := strings.Cut(args[i], "=")
		o := Option{Index: i, Flag: flag}
		o.Name, o.Value = OptionName(flag)
		i++
		var values []string
		for IsFlag(flag) && !joined && i < len(args) && !IsFlag(args[i]) {
			values, i = append(values, args[i]), i+1
		}
		if joined || len(values) > 0 {
			o.Value = value + strings.Join(values, " ")
		}
		options = append(options, o)
	}
	return options
}

// OptionName is the name of a flag, and its value if the flag has none. vLLM takes _ for - in a name, but not behind a
// dot, where the keys of a JSON object follow.
func OptionName(flag string) (name, value string) {
	name, long := strings.CutPrefix(flag, "--")
	switch {
	case flag == "-q":
		return "quantization", "on"
	case !long:
		return flag, "on"
	}
	first, rest, dotted := strings.Cut(name, ".")
	if name = strings.ReplaceAll(first, "_", "-"); dotted {
		return name + "." + rest, "on"
	}
	if positive, is := strings.CutPrefix(name, "no-"); is {
		return positive, "off"
	}
	return name, "on"
}

// IsFlag: a dash and a letter; a negative number is a value.
func IsFlag(arg string) bool {
	name := strings.TrimLeft(arg, "-")
	return len(name) < len(arg) && name != "" && (name[0] < '0' || name[0] > '9')
}
