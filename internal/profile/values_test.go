package profile

import "testing"

func TestKeysAreKnownAndSingle(t *testing.T) { // F-80, F-81
	checkRows(t, []row{
		{"a slip is answered with the nearest key", valid + "nise: 3\n", "6:1", words(`unknown key "nise": did you mean nice?`)},
		{"swapped letters", "name: a\nkind: b\nengine: vllm\nmodel: m\naggregated:\n  - cuda_visible_devices: [0]\n    prot: 8001\n",
			"7:5", words("did you mean port?")},
		{"in a worker, without an echo about its devices", "name: a\nkind: b\nengine: vllm\nmodel: m\naggregated:\n" +
			"  - {cuda_visible_devices: [0, 1], tensor_paralel: 2}\n", "6:36", words("did you mean tensor_parallel?")},
		{"far from all: the known ones are listed", valid + "timeouts: {forever: 1m}\n", "6:12", words("known here are cell, gpu, grace, graces, progress, ready, stall")},
		{"in versions", valid + "versions: {dinamo: 1.6.1}\n", "6:12", words("did you mean dynamo?")},
		{"the source is not a key", valid + "source: x\n", "6:1", words("unknown key")},
		{"twice", valid + "model: n\n", "6:1", words(`"model" is given twice, first on line 4`)},
		{"twice in a free mapping", valid + "env: {A: b, A: c}\n", "6:13", words(`"A" is given twice`)},
		{"three times: the first is named", valid + "model: n\nmodel: o\n", "6:1 7:1", words(`7:1: key "model" is given twice, first on line 4`)},
		{"a key without a name hides nothing", "name: ../x\n\"\": 1\nkind: b\nengine: vllm\nmodel: m\naggregated: [{cuda_visible_devices: [0]}]\n", "1:7 2:1", words(`unknown key ""`)},
		{"a slip is not told once more as what is missing", "name: a\nkind: b\nengin: vllm\nmodel: m\naggregated: [{cuda_visible_devices: [0]}]\n", "3:1", words("did you mean engine?")},
		{"a slip beside the key that is meant", "name: ../x\nnmae: y\nkind: b\nengine: vllm\nmodel: m\naggregated: [{cuda_visible_devices: [0]}]\n", "1:7 2:1", words("did you mean name?")},
		{"another key of a worker hides no clash of it", "name: a\nkind: b\nengine: dynamo\nmodel: m\nprefill: [{cuda_visible_devices: [0], prt: 1}]\n" +
			"decode: [{cuda_visible_devices: [0, 1], tensor_parallel: 4, env: {A: null}}]\n", "5:39 6:10 6:10 6:70", words("both name GPU 0", "is 4, but cuda_visible_devices names 2")},
		{"a list as a key", valid + "? [a]\n: b\n", "6:3", words("a key must be a word")},
		{"a key with a line end is shown quoted", valid + "env: {\"a\\nb\": [c]}\n", "6:15", words(`"env.a\nb"`)},
		{"merging a word", valid + "env: {<<: b}\n", "6:7", words("<< merges mappings")},
	})
}

func TestNumbersAreTakenAsWrittenOrNotAtAll(t *testing.T) { // F-84
	rows := []row{
		{"an octal in a list", valid + "load: {concurrency: [1, 010]}\n", "6:25", words("load.concurrency[1]", "010")},
		{"a port with the worker's name", "name: a\nkind: b\nengine: vllm\nmodel: m\naggregated:\n" +
			"  - {cuda_visible_devices: [0], port: 70000}\n", "6:39", words("aggregated-0: port", "1..32767", "70000")},
		{"a device", "name: a\nkind: b\nengine: vllm\nmodel: m\naggregated:\n  - cuda_visible_devices: [-1]\n",
			"6:28", words("aggregated-0: cuda_visible_devices[0]", "-1")},
		{"zero where absent means 1", "name: a\nkind: b\nengine: vllm\nmodel: m\naggregated:\n" +
			"  - {cuda_visible_devices: [0], tensor_parallel: 0}\n", "6:50", words("tensor_parallel", "1..1024")},
	}
	for _, bad := range []string{"1.5", "010", "0x1", "1_0", "1e3", "+5", "-0", ".inf", ".nan", "-1", "20", `"5"`, "'5'", "five",
		"99999999999999999999", "true", "[5]", "{a: 5}", "2026-11-24"} {
		rows = append(rows, row{"nice: " + bad, valid + "nice: " + bad + "\n", "6:7", words("nice must be a plain integer (0..19)")})
	}
	for key, bad := range map[string]string{"isl": "0", "osl": "-3", "concurrency": "[0]"} {
		rows = append(rows, row{key + " below 1", valid + "load: {" + key + ": " + bad + "}\n", "", words("load."+key, "(1..")})
		rows[len(rows)-1].at = map[string]string{"isl": "6:13", "osl": "6:13", "concurrency": "6:22"}[key]
	}
	checkRows(t, append(rows,
		row{"concurrency above 4096", valid + "load: {concurrency: [4097]}\n", "6:22", words("1..4096")},
		row{"port_base below 1024", valid + "port_base: 80\n", "6:12", words("1024..32767")},
		row{"port_base where ephemeral ports begin", valid + "port_base: 40000\n", "6:12", words("1024..32767")}))
}

func TestValuesHaveTheirType(t *testing.T) {
	rows := []row{
		{"text for a list", valid + "engine_args: --foo\n", "6:14", words("engine_args must be a list, not --foo")},
		{"text for a mapping", valid + "load: heavy\n", "6:7", words("load must be a mapping")},
		{"a list for text", valid + "served_name: [a]\n", "6:14", words("served_name must be text, not a list")},
		{"text for a list of workers, and no echo that there is none",
			"name: a\nkind: b\nengine: vllm\nmodel: m\naggregated: one\n", "5:13", words("must be a list")},
		{"a number for a worker", "name: a\nkind: b\nengine: vllm\nmodel: m\naggregated: [3]\n", "5:14", words("aggregated-0 must be a mapping")},
		{"yes for a boolean", valid + "share_gpu: yes\n", "6:12", words("true or false")},
		{"quoted true", valid + "share_gpu: \"true\"\n", "6:12", words("true or false", "quoted")},
		{"a bare duration", valid + "timeouts: {ready: 5}\n", "6:19", words("duration with its unit", "30m")},
		{"a negative duration", valid + "timeouts: {cell: -5m}\n", "6:18", words("more than 0")},
		{"an unknown engine, and no echo of it", "name: a\nkind: b\nengine: sglang\nmodel: m\naggregated:\n" +
			"  - {cuda_visible_devices: [0], port: 1}\n  - {cuda_visible_devices: [1], port: 2}\n", "3:9", words("dynamo|vllm|mocker", "sglang")},
		{"an unknown transport", valid + "hosts: {n: {transport: telnet, address: n}}\n", "6:24", words("local|ssh|slurm")},
	}
	for _, null := range []string{"served_name:", "load: ~", "engine_args: null", "nice:", "frontend:", "env: {A: }", "engine_args: [~]"} {
		rows = append(rows, row{null, valid + null + "\n", "", words("is empty: give it a value or remove it")})
		rows[len(rows)-1].at = map[string]string{"served_name:": "6:13", "load: ~": "6:7", "engine_args: null": "6:14",
			"nice:": "6:6", "frontend:": "6:10", "env: {A: }": "6:10", "engine_args: [~]": "6:15"}[null]
	}
	checkRows(t, rows)
}
