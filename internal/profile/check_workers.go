package profile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// derived are engine options that follow from a key. The chart and the ports are computed
// from that key, so a second value could differ from it.
var derived = map[string]string{
	"--tensor-parallel-size": "the worker's tensor_parallel", "-tp": "the worker's tensor_parallel",
	"--pipeline-parallel-size": "the worker's pipeline_parallel", "-pp": "the worker's pipeline_parallel",
	"--data-parallel-size": "the worker's data_parallel", "-dp": "the worker's data_parallel",
	"--port": "the worker's port", "--model": "the profile's model", "--model-path": "the profile's model",
	"--served-model-name": "the profile's served_name", "--model-name": "the profile's served_name",
}

// derivedFrom is the key that an option follows from. vLLM takes _ for - in a name and, as
// argparse does, an abbreviation.
func derivedFrom(option string) (key string, known bool) {
	option = strings.ReplaceAll(option, "_", "-")
	if key, known = derived[option]; known || len(option) < len("--xx") {
		return key, known
	}
	for _, name := range slices.Sorted(maps.Keys(derived)) {
		if strings.HasPrefix(name, option) {
			return derived[name], true
		}
	}
	return "", false
}

func checkWorkers(p Profile) (found problems) {
	checkArgs(&found, p.Engine, "engine_args", p.EngineArgs)
	for _, w := range p.workers() {
		checkArgs(&found, p.Engine, w.path+".engine_args", w.EngineArgs)
		gpus := w.GPUs()
		if len(gpus) == 0 {
			found.add(w.path+".cuda_visible_devices",
				"%s has no cuda_visible_devices: list its GPUs, such as [0]", w.name)
			continue
		}
		for i, device := range gpus {
			path := index(w.path+".cuda_visible_devices", i)
			if slices.Contains(gpus[:i], device) {
				found.add(path, "%s names GPU %s twice", w.name, device)
			}
			if len(w.UUIDs) > 0 && !uuidPattern.matches(device) {
				found.add(path, "%s: %.80q is no UUID of a whole GPU: nvidia-smi -L lists them as GPU-5c2a...; "+
					"use either UUIDs or indices in one list", w.name, device)
			}
		}
		if w.Width() != len(gpus) {
			found.add(w.path, "%s: tensor_parallel %d x pipeline_parallel %d x data_parallel %d is %d, "+
				"but cuda_visible_devices names %d", w.name, w.TP, w.PP, w.DP, w.Width(), len(gpus))
			found.from(w.path+".tensor_parallel", w.path+".pipeline_parallel", w.path+".data_parallel",
				w.path+".cuda_visible_devices")
		}
	}
	return found
}

// checkArgs takes every argument of engine command as it is, unless a shell would split it.
func checkArgs(found *problems, engine, path string, args []string) {
	for i, arg := range args {
		option, _, _ := strings.Cut(arg, "=")
		if key, ok := derivedFrom(option); ok && engine != "command" {
			found.add(index(path, i), "%s is derived from %s: set that", option, key)
		}
		if option, two := twoInOne(arg); two {
			found.add(index(path, i), "%.40s and its value are one item of the list, which no engine splits: "+
				"make them two, [%[1]s, VALUE], or one with a =", option)
		}
	}
}

// twoInOne finds the blank that a shell would split at in an option such as "--block-size 128". A blank in a value,
// behind =, { or [, is part of it.
func twoInOne(arg string) (option string, two bool) {
	end := strings.IndexAny(arg, " \t\n={[")
	if !strings.HasPrefix(arg, "-") || end < 0 || strings.IndexByte("={[", arg[end]) >= 0 {
		return "", false
	}
	return arg[:end], true
}

// checkGPUs finds devices that two workers on one machine name. Each pair of workers is one fault, at the later one.
func checkGPUs(p Profile) (found problems) {
	if p.ShareGPU {
		return nil
	}
	owners := map[string]namedWorker{}
	for _, w := range p.workers() {
		shared := map[string][]string{} // path of another worker -> devices
		for _, device := range w.GPUs() {
			gpu := fmt.Sprintf("%s on %s", device, p.Machine(w.Host))
			other, taken := owners[gpu]
			if !taken {
				owners[gpu] = w
				continue
			}
			shared[other.path] = append(shared[other.path], device)
		}
		delete(shared, w.path) // twice in one list: checkWorkers reports it
		for _, other := range p.workers() {
			if shared[other.path] == nil {
				continue
			}
			found.clash(w.path, other.path,
				"%s and %s (%s) both name GPU %s: give each its own, or set share_gpu: true",
				w.name, other.name, firstLine, strings.Join(shared[other.path], ", "))
			found.from(w.path+".cuda_visible_devices", w.path+".host",
				other.path+".cuda_visible_devices", other.path+".host", "share_gpu")
		}
	}
	return found
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
