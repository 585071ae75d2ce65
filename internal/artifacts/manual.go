package artifacts

import (
	"reflect"
	"strings"
)

// DeploymentKeys are the keys of deployment_config.json in their order, each with its
// meaning. Keys below another one are joined with a dot.
func DeploymentKeys() [][2]string { return jsonKeys(reflect.TypeFor[Deployment](), "", deploymentHelp) }

// SidecarKeys are the keys of topobench.json, each with its meaning.
func SidecarKeys() [][2]string {
	return append(jsonKeys(reflect.TypeFor[sidecar](), "", sidecarHelp), [2]string{"run", "id of the run"})
}

// jsonKeys lists the keys of a struct, those of structs in it and in its lists below them.
func jsonKeys(t reflect.Type, parent string, help map[string]string) (keys [][2]string) {
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		name = parent + name
		keys = append(keys, [2]string{name, help[name]})
		below := field.Type
		if below.Kind() == reflect.Slice || below.Kind() == reflect.Pointer {
			below = below.Elem()
		}
		if below.Kind() == reflect.Struct {
			keys = append(keys, jsonKeys(below, name+".", help)...)
		}
	}
	return keys
}

// The meanings of keys are never written to.
var (
	deploymentHelp = map[string]string{
		"kind":                                 "first half of the label, which is kind_mode",
		"model":                                "model of the requests",
		"input_sequence_length":                "tokens of a prompt",
		"output_sequence_length":               "tokens of an answer",
		"tensor_parallelism":                   "GPUs of an aggregated worker; 0 if disaggregated",
		"data_parallelism":                     "aggregated workers",
		"prefill_tensor_parallelism":           "GPUs of a prefill worker; 0 if aggregated",
		"prefill_data_parallelism":             "prefill workers",
		"decode_tensor_parallelism":            "GPUs of a decode worker; 0 if aggregated",
		"decode_data_parallelism":              "decode workers",
		"mode":                                 "aggregated or disaggregated; the last of upstream's keys",
		"name":                                 "name of the profile",
		"engine":                               "dynamo, vllm or mocker",
		"simulated":                            "true if the engine computes nothing",
		"num_gpus":                             "GPUs by which the throughput is divided",
		"workers":                              "the workers as they are, which the parallelisms may only sum up",
		"workers.role":                         "prefill, decode or aggregated",
		"workers.cuda_visible_devices":         "GPUs of the worker",
		"workers.tensor_parallel":              "as in the profile",
		"workers.data_parallel":                "as in the profile",
		"workers.host":                         "machine of the worker; absent if it is this one",
		"settings":                             "engine settings by name, which are compared between the sides",
		"load":                                 "the planned requests of every cell",
		"load.random_seed":                     "seed of the prompts",
		"load.fresh_prompts":                   "true if each cell has a seed of its own",
		"load.requests_per_concurrency":        "requests of a cell, divided by its concurrency",
		"load.warmup_requests_per_concurrency": "warm-up requests of a cell, divided by its concurrency",
		"load.extra_inputs":                    "further fields of the request body, as planned",
	}
	sidecarHelp = map[string]string{
		"valid":         "true if the cell is valid",
		"state":         "valid, unchecked or invalid: the worst state of its checks",
		"reasons":       "why the cell is not valid",
		"checks":        "every check that was made (topobench help rules)",
		"checks.name":   "name of the rule",
		"checks.state":  "state of the check",
		"checks.detail": "what was found, in one line",
	}
)
