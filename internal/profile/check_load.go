package profile

import (
	"regexp"
	"strings"

	"topobench/internal/slo"
)

// refusedOptions are options of aiperf profile, in all its spellings, that load.args cannot have, with the reason. A
// name that ends in - is a prefix.
var refusedOptions = []struct{ names, why string }{ // never written to
	{"model-names model m", "topobench sets it: use model or served_name"},
	{"tokenizer", "topobench sets it: use tokenizer"},
	{"tokenizer-trust-remote-code", "topobench sets it where engine_args has --trust-remote-code"},
	{"endpoint-type custom-endpoint endpoint streaming url u", "topobench sets it, for the servers that it starts"},
	{"synthetic-input-tokens-mean prompt-input-tokens-mean isl", "topobench sets it: use load.isl"},
	{"output-tokens-mean prompt-output-tokens-mean osl", "topobench sets it: use load.osl"},
	{"synthetic-input-tokens-stddev prompt-input-tokens-stddev isl-stddev output-tokens-stddev " +
		"prompt-output-tokens-stddev osl-stddev", "topobench sets it to 0: every request has one length"},
	{"extra-inputs", "topobench sets it, and its smoke requests have the same body"},
	{"concurrency", "topobench sets it: use load.concurrency"},
	{"request-count num-requests warmup-request-count num-warmup-requests num-dataset-entries num-prompts",
		"topobench sets it, in proportion to the concurrency"},
	{"random-seed", "topobench sets it: use the flags --seed and --fresh-prompts"},
	{"artifact-dir output-artifact-dir", "topobench sets it, to the directory of the cell"},
	{"ui ui-type", "topobench sets it, and draws its own progress"},
	{"gpu-telemetry server-metrics", "topobench turns it off, because it costs 2.3 s a cell"},
	{"header H", "topobench sets it"},
	{"api-key", "arguments are public: perf takes the key from a variable (--api-key-env)"},

	{"profile-export- export-level", "topobench reads the files that aiperf writes without it"},
	{"config f", "a file could set what topobench sets itself: give its options here"},
	{"input-file public-dataset custom-dataset-type hf-subset hf-weka-dataset fixed-schedule seq-dist " +
		"sequence-distribution isl-osl-pairs scenario",
		"it replaces prompts of load.isl and load.osl tokens, which the results name"},
	{"num-profile-runs profile-run- confidence-level convergence- set-consistent-seed vary-seed-per-trial sweep-type " +
		"parameter-sweep- search- optuna- variant sweep-variant concurrency-min concurrency-max concurrency-steps " +
		"isl-min isl-max isl-steps osl-min osl-max osl-steps",
		"aiperf would make several measurements of a cell: topobench makes one for each concurrency"},
	{"help h version", "aiperf would print a text and measure nothing"},
}

// refused is why load.args cannot have an argument; "" = it can.
func refused(arg string) string {
	option, _, _ := strings.Cut(arg, "=")
	name, long := strings.CutPrefix(option, "--")
	switch {
	case long: // aiperf takes _ for -, and --no-NAME and --empty-NAME set NAME too
		name = strings.ReplaceAll(name, "_", "-")
		name = strings.TrimPrefix(strings.TrimPrefix(name, "no-"), "empty-")
	case len(option) > 1 && option[0] == '-':
		name = option[1:2] // the value may follow at once
	default:
		return ""
	}
	for _, row := range refusedOptions {
		for _, known := range strings.Fields(row.names) {
			if name == known || strings.HasSuffix(known, "-") && strings.HasPrefix(name, known) {
				return row.why
			}
		}
	}
	return ""
}

// listed is a list of numbers, over which aiperf sweeps.
var listed = regexp.MustCompile(`^\[?\s*[0-9.]+(\s*,\s*[0-9.]+)+\s*\]?$`) // constant

func checkLoadArgs(load Sweep) (found problems) {
	args := load.Args
	if len(args) == 0 {
		return nil
	}
	if load.Exact {
		found.add("load.args", "load.exact allows no argument but those of perf.sh: remove it or load.args")
		found.from("load.args", "load.exact")
	}
	if !strings.HasPrefix(args[0], "-") {
		found.add(index("load.args", 0), "%.40q is no option: aiperf would add it to the option before", args[0])
	}
	for i, arg := range args {
		option, value, joined := strings.Cut(arg, "=")
		if !joined {
			value = arg
		}
		at := index("load.args", i)
		switch spaced, two := twoInOne(arg); {
		case two:
			found.add(at, "%.40s and its value are one item of the list, which aiperf does not split: "+
				"make them two, [%[1]s, VALUE], or one with a =", spaced)
		case refused(arg) != "":
			found.add(at, "cannot pass %.40s to aiperf: %s", option, refused(arg))
		case listed.MatchString(value):
			found.add(at, "cannot pass the list %.40s to aiperf: it would sweep over it, and a cell is one measurement",
				value)
		}
	}
	checkSecrets(&found, "load.args", args)
	return found
}

func checkSLO(load Sweep) (found problems) {
	_, faults := slo.Parse(load.SLO)
	for _, fault := range faults {
		found.add("load.slo", "%v", fault)
	}
	return found
}
