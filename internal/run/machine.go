package run

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/host/gpu"
	"topobench/internal/plan"
)

// machine is what a run found of the GPUs; empty without nvidia-smi.
type machine struct {
	devices []gpu.Device
	power   []gpu.Power
}

// recorded is a plan's deployment_config.json, with the variables of its workers and the machine that it runs on. A
// server that somebody else runs has neither.
func (r *Runner) recorded(p plan.Plan) artifacts.Deployment {
	d := p.Deployment
	if len(p.Services) == 0 {
		return d
	}
	d.Variables, d.Machine = plan.Variables(p, r.Environ), r.machine.values(p.Hardware.Devices)
	if name, err := os.Hostname(); err == nil { // a machine without a name is recorded without it
		d.Machine["host"] = name
	}
	return d
}

// values describe the devices of a topology. Devices that differ are named.
func (m machine) values(devices []int) artifacts.Values {
	of := map[string]map[string][]int{} // value of each name to devices
	note := func(name, value string, device int) {
		if value != "" {
			if of[name] == nil {
				of[name] = map[string][]int{}
			}
			of[name][value] = append(of[name][value], device)
		}
	}
	for _, d := range m.devices {
		if slices.Contains(devices, d.Index) {
			note(artifacts.GPUModel, d.Name, d.Index)
			note("GPU memory", d.Total.String(), d.Index)
		}
	}
	for _, p := range m.power {
		if index, err := strconv.Atoi(p.Index); err == nil && slices.Contains(devices, index) {
			note(artifacts.PowerLimit, p.Limit, index)
			note("default power limit", p.Default, index)
			note("driver", p.Driver, index)
		}
	}
	all := artifacts.Values{}
	for name, values := range of {
		all[name] = described(values)
	}
	return all
}

// described is the value of all devices, or each value with its devices: "NVIDIA H100 (GPU 0 1), NVIDIA L40S (GPU 4)".
func described(devices map[string][]int) string {
	var texts []string
	for value, which := range devices {
		if len(devices) == 1 {
			return value
		}
		texts = append(texts, fmt.Sprintf("%s (GPU %s)", value, strings.Trim(fmt.Sprint(which), "[]")))
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}
