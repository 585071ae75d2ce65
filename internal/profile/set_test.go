package profile

import (
	"strings"
	"testing"
)

// set parses a profile with settings of the command line.
func set(text string, settings ...string) (Profile, error) {
	r := atHome
	r.Set = settings
	return r.Parse("p.yaml", []byte(text))
}

const two = "prefill: {workers: 2}\ndecode: {tensor_parallel: 4}\n"

func TestSettingsReplaceAndAddKeys(t *testing.T) {
	for _, c := range []struct {
		text     string
		settings []string
		want     string // devices
		is       func(Profile) bool
	}{
		{head("dynamo") + two, []string{"decode.tensor_parallel=2"}, "prefill-0[0] prefill-1[1] decode-0[2 3]", nil},
		{head("dynamo") + two, []string{"prefill.workers=1", "decode.tensor_parallel=2", "decode.tensor_parallel=1"}, "prefill-0[0] decode-0[1]", nil},
		{head("dynamo") + "prefill: [{cuda_visible_devices: [0]}, {cuda_visible_devices: [1]}]\ndecode: [{cuda_visible_devices: [2]}]\n",
			[]string{"prefill[1].engine_args=[--a]", "prefill.env.B=c"}, "", func(p Profile) bool {
				return len(p.Prefill[0].EngineArgs) == 0 && p.Prefill[1].EngineArgs[0] == "--a" && p.Prefill[0].Env["B"] == "c" && p.Prefill[1].Env["B"] == "c"
			}},
		{valid, []string{"aggregated={workers: 2}", "balancer.config=tuned", "aggregated=[{cuda_visible_devices: [5], port: 9}]"}, "aggregated-0[5]",
			func(p Profile) bool { return p.Balancer.Config == "tuned" && p.Balancer.Port == 8000 }},
		{head("dynamo") + "prefill: [{cuda_visible_devices: [0]}]\ndecode: [{cuda_visible_devices: [2, 3]}, {cuda_visible_devices: [4]}]\n",
			[]string{"decode.0.tensor_parallel=2", "prefill.0.engine_args=[--a]"}, "prefill-0[0] decode-0[2 3] decode-1[4]",
			func(p Profile) bool {
				return p.Decode[0].TP == 2 && p.Decode[1].TP == 1 && p.Prefill[0].EngineArgs[0] == "--a"
			}},
		{valid + "env: {A: b}\nload: {isl: 5}\n", []string{"env.C=d=e", "load.concurrency=[1, 3]", "nice=7"}, "",
			func(p Profile) bool {
				return p.Env["A"] == "b" && p.Env["C"] == "d=e" && p.Load.ISL == 5 && p.Load.Concurrency[1] == 3 && p.Nice == 7
			}},
	} {
		p, err := set(c.text, c.settings...)
		if err != nil {
			t.Errorf("%v: %v", c.settings, err)
			continue
		}
		if got := devices(p); c.want != "" && got != c.want || c.is != nil && !c.is(p) {
			t.Errorf("%v: %s, want %s\n%+v", c.settings, got, c.want, p)
		}
	}
}

// An anchor that two workers share stays as it is for the other.
func TestASettingChangesNoOtherUseOfAnAnchor(t *testing.T) {
	p, err := set(head("dynamo")+"x: &w {workers: 1, env: {A: b}}\nprefill: *w\ndecode: {<<: *w}\n", "decode.tensor_parallel=2", "decode.env.A=c")
	if err != nil || p.Prefill[0].TP != 1 || p.Decode[0].TP != 2 || p.Prefill[0].Env["A"] != "b" || p.Decode[0].Env["A"] != "c" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestFaultsOfSettingsNameTheFlag(t *testing.T) {
	for _, c := range []struct{ text, setting, want string }{
		{head("dynamo") + two, "decode.tensor_parallel=x", "p.yaml: --set decode.tensor_parallel: decode-0: tensor_parallel must be a plain integer (1..1024), not x"},
		{head("dynamo") + two, "decode.tensor_paralel=2", `p.yaml: --set decode.tensor_paralel: unknown key "tensor_paralel": did you mean tensor_parallel?`},
		{valid, "aggregated.tensor_parallel=2", "p.yaml:5:14: aggregated-0: tensor_parallel 2 x pipeline_parallel 1 x data_parallel 1 is 2, " +
			"but cuda_visible_devices names 1 (--set aggregated.tensor_parallel): set aggregated.cuda_visible_devices too, or the short form, " +
			"aggregated={workers: N, ...}, which derives it"},
		{valid, "decode.tensor_parallel=2", "p.yaml: --set decode.tensor_parallel: the profile has no decode: with several profiles name one, PROFILE:decode.tensor_parallel"},
		{valid, "frontend.port.x=2", "p.yaml: --set frontend.port.x: frontend.port must be a plain integer (1..32767), not a mapping"},
		{valid + "nice: 3\n", "nice.x=2", "p.yaml: --set nice.x: the profile has no such key"},
		{valid, "aggregated[3].port=2", "p.yaml: --set aggregated[3].port: the profile has no such key: the last worker is aggregated[0]; " +
			"aggregated.port sets all of them"},
		{valid, "aggregated.3.port=2", "p.yaml: --set aggregated.3.port: the profile has no such key: the last worker is aggregated[0]"},
		{head("dynamo") + two, "prefill[1].port=2", "p.yaml: --set prefill[1].port: the profile has no such key: prefill is in the short form, " +
			"whose workers are alike: prefill.port sets all of them, and a list, prefill=[...], makes them differ"},
		{valid, "aggregated.0=2", "p.yaml: --set aggregated.0: name a key of that worker, aggregated[0].port=8001, or set all workers, aggregated=[...]"},
		{valid, "aggregated[0]={port: 1}", "p.yaml: --set aggregated[0]: name a key of that worker"},
		{valid, "load.concurrency[0]=3", "p.yaml: --set load.concurrency[0]: a list is set as a whole: concurrency=[...]"},
		{valid, "load.concurrency.0=3", "p.yaml: --set load.concurrency.0: a list is set as a whole: concurrency=[...]"},
		{valid, "aggregated.workers=2", "p.yaml: --set aggregated.workers: workers belongs to the short form, aggregated: {workers: 2}: " +
			"a list has an item for each worker; add items, or write the short form in its place, which --set aggregated={...} does too"},
		{valid, "colour.x=2", `p.yaml: --set colour.x: unknown key "colour"`},
		{valid, "nice", "p.yaml: --set nice: write KEY=VALUE, such as decode.tensor_parallel=2"},
		{valid, "=3", "p.yaml: --set : write KEY=VALUE"},
		{valid, "nice=", "p.yaml: --set nice: it has no value"},
		{valid, "nice=~", "p.yaml: --set nice: it has no value"},
		{valid, "env={A: b, A: c}", `p.yaml: --set env: key "A" is given twice, first on --set env`},
		{valid, "env=[", "p.yaml: --set env: not YAML: "},
		{valid, "env=*a", "p.yaml: --set env: not YAML: unknown anchor"},
		{valid, "kind=!!str a", "p.yaml: --set kind: the tag"},
		{valid, "env.HF_TOKEN=hf_secret", `p.yaml: --set env.HF_TOKEN: "HF_TOKEN" looks like a secret`},
		{head("vllm") + "balancer: {port: 8001}\naggregated: {workers: 2, port: 8002}\n", "balancer.port=8003",
			"p.yaml:6:32: aggregated-1 and balancer (--set balancer.port) both have port 8003"},
	} {
		_, err := set(c.text, c.setting)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hf_secret") {
			t.Errorf("%s: got %v\nwant %s", c.setting, err, c.want)
		}
	}
}

// With faults the name is known, by which --set NAME:KEY=VALUE finds the profile that it mends.
func TestAProfileWithFaultsHasItsName(t *testing.T) {
	if p, err := set(valid, "nice=x"); err == nil || p.Name != "a" {
		t.Errorf("%q, %v", p.Name, err)
	}
}
