package deploy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"topobench/internal/host"
	"topobench/internal/host/proc"
)

// result is a teardown check that was made.
type result struct {
	CheckDone
	check TeardownCheck
}

// fault is one thing on a host that could not be proved: of names the service or the check, and is empty where the
// text does.
type fault struct{ host, of, text string }

// prove removes what the services have left and makes all checks, on all hosts at the same time.
func (s *Stack) prove(ctx context.Context, faults []fault) error {
	s.events.post(ProofStarting{})
	results, failed := make([][]result, len(s.places)), make([][]fault, len(s.places))
	s.each(func(i int, p place) {
		if !s.untouched(p) {
			results[i], failed[i] = s.proveOn(ctx, p)
		}
	})
	return s.dirty(append(faults, slices.Concat(failed...)...), slices.Concat(results...))
}

// proveOn makes the checks of a host at the same time, that of descendants last.
func (s *Stack) proveOn(ctx context.Context, p place) (results []result, faults []fault) {
	own := s.checksOn(p)
	for _, c := range own {
		if c.Remove == nil {
			continue
		}
		if err := c.Remove(); err != nil {
			faults = append(faults, fault{c.Host, c.Name, err.Error()})
		}
	}
	checks := append([]TeardownCheck{portsCheck(p)}, own...)
	results = make([]result, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { results[i] = s.check(ctx, c) })
	}
	all.Wait()
	return append(results, s.check(ctx, s.descendants(p))), faults
}

// checksOn are the checks of the run that look on a host.
func (s *Stack) checksOn(p place) (own []TeardownCheck) {
	for _, c := range s.o.Checks {
		if s.on(c.Host).name == p.name {
			own = append(own, c)
		}
	}
	return own
}

// leftBehind is *DirtyError if the start of a stack that has started no service left something.
func (s *Stack) leftBehind(ctx context.Context) error {
	results := make([][]result, len(s.places))
	s.each(func(i int, p place) {
		if !s.untouched(p) {
			results[i] = []result{s.check(ctx, s.descendants(p))}
		}
	})
	return s.dirty(nil, slices.Concat(results...))
}

// descendants is the check of the descendants of the process that starts the services of a host. It is made once, at
// the end: every service has been waited for.
func (s *Stack) descendants(p place) TeardownCheck {
	return TeardownCheck{Name: descendantsName, Host: p.name, Check: func(ctx context.Context) ([]Leftover, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookWithin)
		defer cancel()
		var left []Leftover
		look, err := p.host.Look(ctx, host.Question{Processes: true, Foreign: p.foreign})
		for _, p := range look.Leftovers {
			left = append(left, Leftover{Process: p})
		}
		return left, err
	}}
}

// dirty is nil if all checks have found nothing and there are no other faults. It is
// *PortsBusyError or *GPUsBusyError for a port or a GPU that a foreign process has taken.
func (s *Stack) dirty(faults []fault, results []result) error {
	var busy error
	var left []proc.Proc
	service := map[int]string{}
	for _, r := range results {
		if Busy(r.Err) {
			busy = errors.Join(busy, r.Err)
		} else if r.Err != nil {
			faults = append(faults, fault{r.check.Host, r.check.Name, r.Err.Error()})
		}
		for _, l := range r.Left {
			switch {
			case l.Process.PID == 0:
				faults = append(faults, fault{r.check.Host, "", l.Detail})
			case r.check.Host != "": // its pid means nothing on this machine
				faults = append(faults, fault{r.check.Host, "", l.line()})
			case !slices.ContainsFunc(left, l.Process.Same):
				left = append(left, l.Process)
			}
			if l.Service != "" && r.check.Host == "" {
				service[l.Process.PID] = l.Service
			}
		}
	}
	if len(left) == 0 && len(faults) == 0 {
		return busy
	}
	name := func(p proc.Proc) string { return service[p.PID] }
	dirty := Dirty(s.plan.Name, left, name, reasons(faults)...)
	dirty.Hosts, dirty.Next = s.next(faults, len(left) > 0)
	return errors.Join(dirty, busy)
}

// line is a leftover process of another host, for a person.
func (l Leftover) line() string {
	line := "process " + l.Process.String()
	if l.Service != "" {
		line += " of " + l.Service
	}
	if l.Detail != "" {
		line += " (by " + l.Detail + ")"
	}
	return line + " is left"
}

// reasons are the lines of faults. Equal ones of another host, as after the loss of its connection, are one.
func reasons(faults []fault) (lines []string) {
	var merged []fault
	for _, f := range faults {
		same := func(m fault) bool { return f.host != "" && f.host == m.host && f.text == m.text }
		switch i := slices.IndexFunc(merged, same); {
		case i < 0:
			merged = append(merged, f)
		case f.of != "" && !slices.Contains(strings.Split(merged[i].of, ", "), f.of):
			merged[i].of += ", " + f.of
		}
	}
	for _, f := range merged {
		lines = append(lines, strings.Split(on(f.host, on(f.of, f.text)), "\n")...)
	}
	return lines
}

// next are the other hosts of faults, and the next step on each of them and on this machine.
func (s *Stack) next(faults []fault, here bool) (hosts, steps []string) {
	for _, f := range faults {
		switch {
		case f.host == "":
			here = true
		case !slices.Contains(hosts, f.host):
			hosts = append(hosts, f.host)
		}
	}
	if here {
		steps = append(steps, cleanHere)
	}
	slices.Sort(hosts)
	for _, h := range hosts {
		step := "end there what is listed here, then run topobench clean there"
		if s.o.Clean != nil {
			step = "run " + s.o.Clean(h) + ", once it can be reached"
		}
		steps = append(steps, on(h, step))
	}
	return hosts, steps
}
