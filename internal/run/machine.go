package run

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/text"
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
	if len(p.Services) == 0 || r.cluster != nil {
		return d
	}
	d.Variables = plan.VariablesOn(p, func(host string) []string { return r.site(host).environ })
	of := map[string]artifacts.Values{}
	for _, s := range r.sites(p) {
		of[s.name] = r.found[s.name].values(p.HardwareOn(s.name).Devices)
		of[s.name][hostFact] = s.hostname
	}
	d.Machine = ofMachines(p.Names(), of)
	if _, serves := of[""]; !serves {
		d.Machine["load generator"] = r.site("").hostname
	}
	maps.DeleteFunc(d.Machine, func(_, value string) bool { return value == "" }) // a machine without a name
	return d
}

// hostFact is the name of a machine among its facts.
const hostFact = "host"

// ofMachines are the facts of all machines: a value that is the same everywhere, else each with its machine:
// "NVIDIA H100 (node0), NVIDIA L40S (node1)".
func ofMachines(names []string, of map[string]artifacts.Values) artifacts.Values {
	all := artifacts.Values{}
	for _, name := range names {
		for fact := range of[name] {
			all[fact] = ""
		}
	}
	for fact := range all {
		var values, named []string
		for _, name := range names {
			if value := of[name][fact]; value != "" {
				values = append(values, value)
				named = append(named, fmt.Sprintf("%s (%s)", value, cmp.Or(name, "this machine")))
			}
		}
		switch distinct := text.Distinct(values); len(distinct) {
		case 0:
		case 1:
			all[fact] = distinct[0]
		default:
			all[fact] = strings.Join(named, ", ")
		}
	}
	return all
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

// provenance describes the devices of a topology one by one, with the version of the driver.
func (m machine) provenance(devices []int, f gpu.Facts) (all []artifacts.GPU, driver string) {
	for _, d := range m.devices {
		if !slices.Contains(devices, d.Index) {
			continue
		}
		g := artifacts.GPU{Index: d.Index, UUID: d.UUID, Bus: d.Bus, Name: d.Name, Clocks: f.Clocks[d.Index],
			MIG: d.MIG, Persist: d.Persist, Compute: d.Compute}
		if d.Total != gpu.Unknown {
			g.Memory = d.Total.String()
		}
		for _, p := range m.power {
			if p.Index == strconv.Itoa(d.Index) {
				g.Limit, g.Default, driver = p.Limit, p.Default, p.Driver
			}
		}
		all = append(all, g)
	}
	return all, driver
}

// factsOf are the facts by which launches are compared. Values of single devices are left out: two topologies of one
// machine have different devices.
func factsOf(p artifacts.Provenance, links string) artifacts.Values {
	names, of := []string{""}, map[string]artifacts.Values{"": p.Host}
	for _, h := range p.Hosts {
		names, of[h.Name] = append(names, h.Name), h.Facts
	}
	machines := ofMachines(names, of)
	facts := artifacts.Values{"topobench": p.Topobench, "CUDA": p.CUDA, "GPU links": links}
	for _, name := range []string{"kernel", "CPU", "NUMA nodes", "host memory", "CPU governor", "cgroup", "system"} {
		facts[name] = machines[name]
	}
	distinct := func(name string, of func(artifacts.GPU) string) {
		var values []string
		for _, g := range p.GPUs {
			if value := of(g); value != "" && !slices.Contains(values, value) {
				values = append(values, value)
			}
		}
		facts[name] = strings.Join(values, " and ")
	}
	distinct("GPU clocks", func(g artifacts.GPU) string { return g.Clocks })
	distinct("MIG", func(g artifacts.GPU) string { return g.MIG })
	var lanes []string
	for _, s := range p.Services {
		for _, lane := range s.Transport {
			if !slices.Contains(lanes, lane) {
				lanes = append(lanes, lane)
			}
		}
	}
	facts["KV transport"] = strings.Join(lanes, "; ")
	for name, value := range facts {
		if value == "" {
			delete(facts, name)
		}
	}
	return facts
}
