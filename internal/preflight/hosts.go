package preflight

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"topobench/internal/profile"
	"topobench/internal/text"
)

// Inspector is another machine, on which topobench answers a question. An agent is one.
type Inspector interface {
	Inspect(ctx context.Context, question []byte) ([]byte, error)
}

// Others are the machines of a profile beside this one, by the names that it gives them.
func Others(p profile.Profile) []string {
	var names []string
	add := func(host string) {
		if p.Machine(host) != "" {
			names = append(names, host)
		}
	}
	if p.Frontend != nil {
		add(p.Frontend.Host)
	}
	if p.Balancer != nil {
		add(p.Balancer.Host)
	}
	eachWorker(p, func(w *profile.Worker) { add(w.Host) })
	slices.Sort(names)
	return slices.Compact(names)
}

// here is the part of a profile on this machine.
func here(p profile.Profile) profile.Profile {
	if len(Others(p)) == 0 {
		return p
	}
	return p.On("")
}

// inspect makes the checks of all other machines, at the same time. A machine without an answer has a check that
// failed, and no parts.
func (r Request) inspect(ctx context.Context) map[string]HostAnswer {
	questions := r.questions()
	answers, all := map[string]HostAnswer{}, sync.WaitGroup{}
	var lock sync.Mutex
	for name, q := range questions {
		all.Go(func() {
			var a HostAnswer
			if err := Inspect(ctx, r.Hosts[name], q, &a); err != nil {
				a = HostAnswer{Checks: failed(Hosts, err, "")}
			}
			lock.Lock()
			defer lock.Unlock()
			answers[name] = a
		})
	}
	all.Wait()
	return answers
}

// questions are those to each machine that a profile names.
func (r Request) questions() map[string]HostQuestion {
	all := map[string]HostQuestion{}
	for _, p := range r.Profiles {
		for _, name := range Others(p) {
			q := all[name]
			q.Profiles = append(q.Profiles, p.On(name))
			q.Programs, q.MapGPUs, q.Look, q.MinFree = r.Programs.Absolute(), r.MapGPUs, r.Look, r.MinFree
			all[name] = q
		}
	}
	return all
}

// Inspect sends a question to a machine, and reads its answer.
func Inspect(ctx context.Context, on Inspector, question, answer any) error {
	if on == nil {
		return fmt.Errorf("cannot check this host: there is no connection to it")
	}
	data, err := json.Marshal(question)
	if err == nil {
		data, err = on.Inspect(ctx, data)
	}
	if err == nil {
		err = json.Unmarshal(data, answer)
	}
	if err != nil {
		return fmt.Errorf("cannot check this host: %w", err)
	}
	return nil
}

// On names the machine in front of the texts of its checks.
func On(name string, checks []Check) []Check {
	checks = slices.Clone(checks)
	for i := range checks {
		checks[i].Found = name + ": " + checks[i].Found
	}
	return checks
}

// named are the texts with the name of a machine in front.
func named(name string, lines []string) []string {
	return text.Each(lines, func(line string) string { return name + ": " + line })
}

// parts are what the machines have for each profile, by their names. They lack those without an answer.
func (r Request) parts() []map[string]Part {
	all, next := make([]map[string]Part, len(r.Profiles)), map[string]int{}
	for i, p := range r.Profiles {
		all[i] = map[string]Part{}
		for _, name := range Others(p) {
			if n := next[name]; n < len(r.answers[name].Parts) {
				all[i][name] = r.answers[name].Parts[n]
			}
			next[name]++
		}
	}
	return all
}
