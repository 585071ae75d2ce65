package profile

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

const (
	mostDevices = 1024  // GPUs that cuda_visible_devices can name on one machine
	highestPort = 32767 // that a profile can give a server
)

// expand turns each role in the short form, prefill: {workers: 4, tensor_parallel: 1}, into its workers. They get the
// lowest GPUs of their machine that no other worker names, in the order prefill, decode, aggregated.
func (d *decoder) expand(p *Profile) {
	taken := map[string]map[int]bool{} // by machine
	byUUID := map[string]bool{}        // machines with a worker that names UUIDs
	for _, w := range p.workers() {
		machine := p.Machine(w.Host)
		byUUID[machine] = byUUID[machine] || len(w.UUIDs) > 0
		if taken[machine] == nil {
			taken[machine] = map[int]bool{}
		}
		for _, device := range w.Devices {
			taken[machine][device] = true
		}
	}
	for _, r := range p.roles() {
		if slices.Contains(d.short, r.name) {
			machine := p.Machine((*r.workers)[0].Host)
			if byUUID[machine] {
				d.wrong(r.name, "%s: the short form derives indices of GPUs, and another worker names UUIDs, which "+
					"may be the same GPUs: name the GPUs of each worker", r.name)
			}
			d.expandRole(r, taken[machine])
			continue
		}
		for i, w := range *r.workers {
			if w.Count > 0 {
				d.wrong(index(r.name, i)+".workers#", "workers belongs to the short form, %s: {workers: %d}: "+
					"a list has an item for each worker; add items, or write the short form in its place, "+
					"which --set %[1]s={...} does too", r.name, w.Count)
			}
		}
	}
}

func (d *decoder) expandRole(r role, taken map[int]bool) {
	w, devices := (*r.workers)[0], index(r.name, 0)+".cuda_visible_devices"
	w.Count = cmp.Or(w.Count, 1)
	if _, given := d.at[devices]; given {
		d.wrong(devices+"#", "the short form derives cuda_visible_devices: remove it, or make %s a list with an item "+
			"for each worker", r.name)
		return
	}
	if gpus := w.Count * w.Width(); gpus > mostDevices-len(taken) {
		d.wrong(r.name, "%s needs %d GPUs, and a machine has up to %d, of which other workers name %d",
			r.name, gpus, mostDevices, len(taken))
		return
	}
	if last := w.Port + w.Count - 1; w.Port > 0 && last > highestPort {
		d.wrong(index(r.name, 0)+".port", "%s: %d workers from port %d on end at port %d, and the highest is %d",
			r.name, w.Count, w.Port, last, highestPort)
	}
	*r.workers = copies(w, taken)
	d.spread(r.name, w.Count)
}

// copies are as many workers as w counts. Those that have a port have successive ones.
func copies(w Worker, taken map[int]bool) []Worker {
	all := make([]Worker, w.Count)
	device := 0
	for i := range all {
		all[i] = w
		all[i].Count, all[i].Devices = 0, nil
		if w.Port > 0 {
			all[i].Port = w.Port + i
		}
		for len(all[i].Devices) < w.Width() {
			if !taken[device] {
				taken[device] = true
				all[i].Devices = append(all[i].Devices, device)
			}
			device++
		}
	}
	return all
}

// spread gives the keys of n equal workers the positions, and faults, of the first one's.
func (d *decoder) spread(role string, n int) {
	first := index(role, 0)
	for path, at := range maps.Clone(d.at) {
		if rest, below := strings.CutPrefix(path, first); below {
			for i := 1; i < n; i++ {
				d.at[index(role, i)+rest] = at
			}
		}
	}
	for path := range maps.Clone(d.bad) {
		if rest, below := strings.CutPrefix(path, first); below {
			for i := 1; i < n; i++ {
				d.bad[index(role, i)+rest] = true
			}
		}
	}
}

var numbered = regexp.MustCompile(`\b(prefill|decode|aggregated)-\d+`)

// once drops the faults of equal workers after the first one's: they are one text of the file.
func (d *decoder) once() {
	seen := map[string]bool{}
	d.faults = slices.DeleteFunc(d.faults, func(f Fault) bool {
		key := fmt.Sprintf("%d:%d %s", f.Line, f.Column, numbered.ReplaceAllStringFunc(f.Text, d.unnumbered))
		again := seen[key]
		seen[key] = true
		return again
	})
}

// unnumbered is the role of a worker's name, if the role is in the short form.
func (d *decoder) unnumbered(worker string) string {
	if role := worker[:strings.LastIndexByte(worker, '-')]; slices.Contains(d.short, role) {
		return role
	}
	return worker
}
