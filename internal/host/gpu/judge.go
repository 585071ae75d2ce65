package gpu

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// BusyAbove is more than an idle device shows (the driver's own, up to some 700 MiB on
	// large cards) and less than any engine needs: a CUDA context takes about 500 MiB.
	BusyAbove MiB = 1024
	// BackWithin of the memory in use before the launch counts as given back: the driver
	// keeps a little for itself.
	BackWithin MiB = 512
)

// MissingError reports that a plan names devices that do not exist. CUDA would hide them, and
// every device after the first of them, without an error.
type MissingError struct {
	Missing []int
	Unfit   []string // devices that are there and that no run can use as whole GPUs, with the reason
	Have    State
}

func (e *MissingError) Error() string {
	if len(e.Missing) == 0 {
		return "cannot use " + strings.Join(e.Unfit, "\n")
	}
	there := []string{"nvidia-smi sees none"}
	if len(e.Have.Devices) > 0 {
		there = []string{"nvidia-smi sees:"}
	}
	for _, d := range e.Have.Devices {
		there = append(there, fmt.Sprintf("  %s, %s, %s", d, d.Bus, d.Name))
	}
	for _, line := range e.Have.Trouble {
		there = append(there, "  "+line)
	}
	fault := fmt.Sprintf("cannot use GPU %s: cuda_visible_devices names it, and it does not exist; %s",
		strings.Trim(strings.Join(strings.Fields(fmt.Sprint(e.Missing)), ", "), "[]"), strings.Join(there, "\n"))
	return strings.Join(append([]string{fault}, e.Unfit...), "\n")
}

// Missing is nil, or a *MissingError about the devices of want that are not there, or not as whole GPUs: with MIG an
// index selects a slice, and the throughput of a slice would be divided as that of a GPU.
func Missing(s State, want []int) error {
	e := &MissingError{Have: s}
	for _, index := range want {
		switch d, there := s.Of(index); {
		case !there:
			e.Missing = append(e.Missing, index)
		case d.MIG == "Enabled":
			e.Unfit = append(e.Unfit, fmt.Sprintf("%s: MIG is enabled, and its index selects a slice of it, not the "+
				"whole GPU: disable MIG (nvidia-smi -i %d -mig 0), or choose another GPU", d, index))
		case d.Compute == "Prohibited":
			e.Unfit = append(e.Unfit, fmt.Sprintf("%s: its compute mode Prohibited lets no process use it: "+
				"nvidia-smi -i %d -c DEFAULT allows it", d, index))
		}
	}
	if len(e.Missing)+len(e.Unfit) == 0 {
		return nil
	}
	return e
}

// Warnings are the conditions that may spoil a measurement on the devices of want, and do not
// forbid it.
func Warnings(s State, want []int) []string {
	var all []string
	for _, line := range s.Trouble {
		if !strings.HasPrefix(line, warning) {
			line += "; CUDA may count the other GPUs differently, or not start"
		}
		all = append(all, line)
	}
	for _, index := range want {
		d, _ := s.Of(index)
		for _, w := range []struct {
			so   bool
			text string
		}{
			{s.shared(d), "MPS is on: it changes what is measured"},
			{strings.HasPrefix(d.Compute, "Exclusive"), "compute mode " + d.Compute +
				": a second process cannot use it (nvidia-smi -c DEFAULT)"},
			{d.Persist == "Disabled", "persistence mode is off: " +
				"the driver is loaded again for each start (nvidia-smi -pm 1)"},
			{d.ECC > 0, fmt.Sprintf("%d uncorrected memory errors since the driver was loaded", d.ECC)},
			{d.Used < 0, "nvidia-smi does not report its memory: only its compute processes are checked"},
		} {
			if w.so {
				all = append(all, fmt.Sprintf("%s: %s", d, w.text))
			}
		}
	}
	return all
}

// Busy names, device by device, the users of those of want: any compute process but ours, or
// more memory than an idle device shows.
func Busy(s State, want []int) []string {
	var taken []string
	for _, index := range want {
		d, _ := s.Of(index)
		before := len(taken)
		ours := false
		for _, p := range s.On(d) {
			if p.Owner.Party != Ours {
				taken = append(taken, fmt.Sprintf("%s is used by %s, %s", d, p.describe(), p.Used))
			} else {
				ours = true
			}
		}
		if len(taken) == before && !ours && d.Used > BusyAbove {
			taken = append(taken, fmt.Sprintf("%s has %s in use, by a process that nvidia-smi does not name "+
				"(in a container, for example)", d, d.Used))
		}
	}
	return taken
}

// Foreign names the processes on devices of want that are not ours. sure is false where no
// process of ours is visible there while ours run: then the pids are those of another
// namespace, and it is unknown whose the processes are.
func Foreign(s State, want []int) (found []string, sure bool) {
	for _, index := range want {
		d, _ := s.Of(index)
		for _, p := range s.On(d) {
			switch p.Owner.Party {
			case Ours:
				sure = true
			case Theirs:
				found = append(found, fmt.Sprintf("%s on %s", p.describe(), d))
			}
		}
	}
	if !sure {
		return nil, false
	}
	return found, true
}

// Left compares now with before, on the devices of want. left is memory and processes of ours,
// or possibly ours, that are not gone yet. taken is the use by foreign processes, where it
// accounts for the whole difference: nothing of ours is left then.
func Left(before, now State, want []int) (left, taken []string) {
	for _, index := range want {
		was, _ := before.Of(index)
		is, there := now.Of(index)
		if !there || is.UUID != was.UUID {
			left = append(left, fmt.Sprintf("%s does not answer any longer %s", was, strings.Join(now.Trouble, "; ")))
			continue
		}
		l, t := leftOn(was, is, newOn(before, now, is))
		left, taken = append(left, l...), append(taken, t...)
	}
	return left, taken
}

// newOn lists the processes on a device that were not there before.
func newOn(before, now State, d Device) []Process {
	known := before.On(d)
	return slices.DeleteFunc(now.On(d), func(p Process) bool {
		return slices.ContainsFunc(known, func(k Process) bool { return k.PID == p.PID })
	})
}

func leftOn(was, is Device, fresh []Process) (left, taken []string) {
	var theirs MiB
	unseen := 0
	for _, p := range fresh {
		switch p.Owner.Party {
		case Ours:
			left = append(left, fmt.Sprintf("%s is still used by %s, %s", is, p.describe(), p.Used))
		case Theirs:
			taken = append(taken, fmt.Sprintf("%s was taken over by %s, %s", is, p.describe(), p.Used))
			theirs += max(p.Used, 0)
		default:
			unseen++
		}
	}
	over := is.Used - (was.Used + BackWithin)
	switch {
	case len(left) > 0:
	case is.Used < 0 || was.Used < 0:
		if unseen > 0 { // they just died, or are of another namespace, and memory is no evidence
			left = append(left, fmt.Sprintf("%s is used by %d processes that are not visible from here, "+
				"and its memory is unknown", is, unseen))
		}
	case over <= 0:
		taken = nil // it does not matter yet
	case theirs < over:
		left = append(left, fmt.Sprintf("%s has %s in use, before the launch it was %s; %s",
			is, is.Used, was.Used, accounted(fresh)))
	}
	if len(left) > 0 {
		return left, nil
	}
	return nil, taken
}

// accounted names the processes that have the memory, as far as nvidia-smi shows them.
func accounted(fresh []Process) string {
	if len(fresh) == 0 {
		return "nvidia-smi names no process that has it"
	}
	var all []string
	for _, p := range fresh {
		all = append(all, fmt.Sprintf("%s, %s, %s", p.describe(), p.Owner.Party, p.Used))
	}
	return strings.Join(all, ", ")
}
