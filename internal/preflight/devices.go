package preflight

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/text"
)

// deviceChecks describe each GPU, with the warnings that a run would print and those of its power. used are the GPUs of
// the topologies, or all.
func deviceChecks(s gpu.State, used []int, power []gpu.Power) (checks []Check) {
	for _, d := range s.Devices {
		found, capped := poweredBy(d, power)
		for _, p := range s.On(d) {
			found += fmt.Sprintf(", process %d of %s %s", p.PID, orUnknown(p.Owner.User), p.Used)
		}
		checks = append(checks, ok(GPUs, found))
		if capped != "" && slices.Contains(used, d.Index) {
			checks = append(checks, warn(GPUs, fmt.Sprintf("%s: %s", d, capped),
				"nvidia-smi -pl sets the limit; compare only GPUs with one limit"))
		}
		if len(d.Slowed) > 0 {
			checks = append(checks, warn(GPUs, fmt.Sprintf("%s: its clocks are reduced now: %s", d,
				strings.Join(d.Slowed, ", ")), "nvidia-smi -q -d PERFORMANCE shows why"))
		}
	}
	for _, w := range gpu.Warnings(s, used) {
		checks = append(checks, warn(GPUs, w, ""))
	}
	return checks
}

func orUnknown(user string) string {
	if user == "" {
		return "an unknown user"
	}
	return user
}

// poweredBy describes a GPU. capped is set if its power limit is below the default of its model.
func poweredBy(d gpu.Device, power []gpu.Power) (found, capped string) {
	found = fmt.Sprintf("%s: %s, %s, %s in use", d, d.Name, d.Total, d.Used)
	i := slices.IndexFunc(power, func(p gpu.Power) bool { return p.Index == strconv.Itoa(d.Index) })
	if i >= 0 {
		p := power[i]
		found += fmt.Sprintf(", power limit %s (default %s), SM clock %s of at most %s, driver %s", known(p.Limit),
			known(p.Default), known(p.Clock), known(p.MaxClock), known(p.Driver))
		if limit := watts(p.Limit); limit > 0 && limit < watts(p.Default) {
			capped = fmt.Sprintf("its power limit is %s, and the default is %s", p.Limit, p.Default)
		}
	}
	if d.Persist != "" {
		found += ", persistence mode " + strings.ToLower(d.Persist)
	}
	return found, capped
}

func known(value string) string { return cmp.Or(value, "unknown") }

// watts is 0 for an unknown limit.
func watts(limit string) float64 {
	n, err := strconv.ParseFloat(strings.TrimSuffix(limit, " W"), 64)
	if err != nil {
		return 0
	}
	return n
}

// inUse fails for GPUs that are missing, as run does with code 2, or in use, with code 6.
func inUse(s gpu.State, want []int) (checks []Check) {
	if err := gpu.Missing(s, want); err != nil {
		return []Check{fail(GPUs, err.Error(), "name visible whole GPUs in cuda_visible_devices")}
	}
	for _, taken := range gpu.Busy(s, want) {
		c := fail(GPUs, taken, "wait with run --wait-gpus 2h, or choose other GPUs")
		c.Code = BusyCode
		checks = append(checks, c)
	}
	return checks
}

// nvlink compares the workers of several GPUs with the matrix of nvidia-smi topo -m: without NVLink between them,
// tensor parallelism goes over PCIe.
func nvlink(matrix string, plans []plan.Plan) []Check {
	links := parseTopology(matrix)
	if len(links) < 2 {
		return nil // a single GPU has no link
	}
	var checks []Check
	var kinds []string
	for pair, kind := range links {
		if pair[0] < pair[1] {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	checks = append(checks, ok(NVLink, "links between the GPUs: "+strings.Join(slices.Compact(kinds), ", ")))
	for _, p := range plans {
		if len(p.Hardware.Devices) == 0 {
			continue
		}
		for _, s := range p.Services {
			if slow := slowPairs(links, s.Devices); len(slow) > 0 {
				checks = append(checks, warn(NVLink, fmt.Sprintf("%s: the GPUs of %s are not linked by NVLink: %s",
					p.Name, s.Name, strings.Join(slow, ", ")), "give it GPUs that are (nvidia-smi topo -m)"))
			}
		}
	}
	return checks
}

// slowPairs names the pairs of devices whose link is not NVLink.
func slowPairs(links map[[2]int]string, devices []int) (slow []string) {
	for i, a := range devices {
		for _, b := range devices[i+1:] {
			if kind := links[[2]int{a, b}]; kind != "" && !strings.HasPrefix(kind, "NV") {
				slow = append(slow, fmt.Sprintf("%d and %d (%s)", a, b, kind))
			}
		}
	}
	return slow
}

// parseTopology reads the pairs of GPUs in the matrix of nvidia-smi topo -m, whose header is underlined.
func parseTopology(matrix string) map[[2]int]string {
	links := map[[2]int]string{}
	var columns []int // GPU of each column; -1 = something else
	index := func(cell string) int {
		if n, err := strconv.Atoi(strings.TrimPrefix(cell, "GPU")); err == nil && strings.HasPrefix(cell, "GPU") {
			return n
		}
		return -1
	}
	for line := range strings.Lines(matrix) {
		cells := text.Each(strings.Split(line, "\t"), func(c string) string { return strings.TrimSpace(text.Clean(c)) })
		row := index(cells[0])
		switch {
		case cells[0] == "" && columns == nil:
			for _, c := range cells[1:] {
				columns = append(columns, index(c))
			}
		case row >= 0:
			for i, c := range cells[1:] {
				if i < len(columns) && columns[i] >= 0 && columns[i] != row {
					links[[2]int{row, columns[i]}] = c
				}
			}
		}
	}
	return links
}
