package profile

import (
	"slices"
	"testing"
)

func TestLoadArgsAreTakenVerbatim(t *testing.T) {
	want := []string{"--request-rate", "5", "--goodput", "time_to_first_token:500 inter_token_latency:25", "--request-timeout-seconds=60", "-v"}
	p := mustParse(t, valid+`load: {args: [--request-rate, "5", --goodput, "time_to_first_token:500 inter_token_latency:25", --request-timeout-seconds=60, -v]}`)
	if !slices.Equal(p.Load.Args, want) {
		t.Errorf("got %q", p.Load.Args)
	}
	mustParse(t, valid+"load: {args: [], exact: true}")
}

// The arguments begin in column 14 of line 6.
func TestLoadArgsThatTopobenchSetsItself(t *testing.T) {
	with := func(args string) string { return valid + "load: {args: [" + args + "]}\n" }
	checkRows(t, []row{
		{"both spellings and short forms, at once", with(`--concurrency, "4", --isl=30, -m, x, -ux, --random_seed=7`), "6:15 6:35 6:45 6:52 6:57",
			words("--concurrency to aiperf: topobench sets it: use load.concurrency", "--isl to aiperf: topobench sets it: use load.isl",
				"-m to aiperf", "-ux to aiperf", "--random_seed to aiperf")},
		{"another name", with("--num-requests=4"), "6:15", words("in proportion to the concurrency")},
		{"a flag turned off", with("--no-streaming"), "6:15", words("topobench sets it")},
		{"telemetry", with("--gpu-telemetry, pynvml"), "6:15", words("turns it off")},
		{"a key", with("--api-key, x"), "6:15", words("arguments are public")},
		{"a secret", with("--wandb-entity, hf_abcdef"), "6:31", words("secret")},
		{"the artifacts", with("--artifact-dir=/tmp"), "6:15", words("directory of the cell")},
		{"the export", with("--profile-export-prefix, x, --export-level=summary"), "6:15 6:43", words("topobench reads the files")},
		{"several runs", with(`--num-profile-runs, "3"`), "6:15", words("one for each concurrency")},
		{"a sweep", with(`--request-rate, "5,10", "--prefill-concurrency=1, 2"`), "6:31 6:39", words("the list 5,10", "sweep")},
		{"a search", with("--search-recipe, x"), "6:15", words("one for each concurrency")},
		{"other prompts", with("--public-dataset, sharegpt"), "6:15", words("load.isl")},
		{"a file", with("-f, x.yaml"), "6:15", words("a file could set")},
		{"help", with("--help"), "6:15", words("measure nothing")},
		{"no option", with("x, --request-rate"), "6:15", words("no option")},
		{"two in one", with("--request-rate 5"), "6:15", words("make them two, [--request-rate, VALUE]")},
		{"the guide's own arguments", valid + "load: {exact: true, args: [-v]}\n", "6:27", words("load.exact allows no argument")},
	})
}
