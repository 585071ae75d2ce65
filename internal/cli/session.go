package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/programs"
	"topobench/internal/run"
	"topobench/internal/ui"
)

// session is the common part of run, up and perf: a run, and its screen.
type session struct {
	*run.Runner
	env        *Env
	topologies []preflight.Topology
	hosts      connections
	cluster    bool // topologies are pods
}

// start reaches the other machines of a command, makes its checks, and opens its run unless one fails. grace is that of
// the agents.
func (e *Env) start(ctx context.Context, s *signals, r preflight.Request, o run.Options, grace time.Duration) (
	*session, error) {
	e.printDropped()
	o.ID = run.NewID()
	hosts, err := e.connect(ctx, r.Profiles, Target{Run: o.ID, Grace: grace, LogCap: &r.LogCap})
	if err != nil {
		return nil, err
	}
	r.Hosts = hosts.inspectors()
	checked, err := e.preflight(ctx, r)
	if ctx.Err() != nil && len(hosts) > 0 {
		err = context.Cause(ctx) // the checks of hosts fail then too
	}
	if err != nil {
		return nil, errors.Join(err, hosts.close())
	}
	o.Root, o.LogCap, o.Reserve, o.Remotes = r.Root, r.LogCap, r.MinFree/reserveShare, hosts.remotes()
	session, err := e.open(ctx, s, checked, o)
	if err != nil {
		return nil, errors.Join(err, hosts.close())
	}
	session.hosts = hosts
	return session, nil
}

// printDropped names the variables of the caller that no child receives. It never prints their values.
func (e *Env) printDropped() {
	if names := plan.DroppedText(plan.DroppedNames(e.Environ)); names != "" {
		fmt.Fprintf(e.Stderr, "topobench: variables that are not passed on (topobench help environment): %s\n", names)
	}
}

// open begins a run: this process becomes the sub-reaper that orphans fall to, dead runs are
// cleaned up, and the versions of the programs are shown and recorded.
func (e *Env) open(ctx context.Context, s *signals, checked preflight.Report, o run.Options) (*session, error) {
	if err := host.SetSubreaper(); err != nil {
		return nil, err
	}
	var err error
	if o.Foreign, err = host.Leftovers(); err != nil {
		return nil, err
	}
	o.Temp, _ = e.temp()
	o.Environ, o.Force, o.Shepherd, o.At = e.Environ, s.force, e.Shepherd, e.At
	o.Release = currentRelease()
	o.NvidiaSMI, o.Screen = checked.NvidiaSMI, ui.New(ui.Detect(e.Screen, e.Getenv))
	var r *run.Runner
	if err = recoverRuns(ctx, e, o.Screen.Note); err == nil {
		r, err = run.New(o)
	}
	if err != nil {
		o.Screen.Close()
		return nil, err
	}
	for _, line := range preflight.VersionLines(checked.Topologies) {
		r.Screen.Note(line)
	}
	for _, t := range checked.Topologies {
		r.Journal.Note(journal.Versions{Topology: t.Profile.Name, Versions: t.Versions})
	}
	for _, w := range checked.Warnings() {
		if w.Name == preflight.GPUs {
			r.Journal.Note(journal.GPUsUnknown{Why: w.Found})
		}
	}
	return &session{Runner: r, env: e, topologies: checked.Topologies}, nil
}

// close ends the run and its screen. why is how the run ended.
func (s *session) close(why error) error {
	why = s.Close(s.explainDiskFault(why))
	s.Screen.Close()
	return why
}

// note shows lines.
func (s *session) note(lines []string) {
	for _, line := range lines {
		s.Screen.Note(line)
	}
}

// hold waits with the topology up.
func (s *session) hold(ctx context.Context) {
	s.Screen.Note("held: press Ctrl-C to take it down")
	<-ctx.Done()
}

// linuxOnly: everything that starts processes needs the Linux sub-reaper.
func linuxOnly(command string) error {
	if runtime.GOOS == "linux" {
		return nil
	}
	return &usageError{fmt.Errorf("%s needs Linux; plan and plot work here", command)}
}

func printAll(w io.Writer, lines []string, prefix string) {
	for _, l := range lines {
		fmt.Fprintf(w, "%s%s\n", prefix, l)
	}
}

// preflight makes every check of a command that starts something, and prints the warnings. The error joins all faults.
func (e *Env) preflight(ctx context.Context, r preflight.Request) (preflight.Report, error) {
	report := preflight.All(ctx, e.complete(r))
	for _, w := range report.Warnings() {
		fmt.Fprintf(e.Stderr, "topobench: warning: %s\n", w)
	}
	for _, t := range report.Topologies {
		printAll(e.Stderr, t.GPUMap, "topobench: ")
	}
	return report, report.Err()
}

// complete is a request with what this process contributes.
func (e *Env) complete(r preflight.Request) preflight.Request {
	r.Environ, r.Getenv, r.PortRange, r.AsRoot = e.Environ, e.Getenv, e.PortRange, e.Root
	r.Temp, r.TempPassed = e.temp()
	r.TempName = tempVariable
	return r
}

// fetchModels downloads each model that is missing from its cache, once: otherwise every worker would download it at
// the same time. Then aiperf's interpreter loads the tokenizer, which may have come with it.
func (s *session) fetchModels(ctx context.Context) error {
	if s.cluster { // pods fetch them themselves
		return nil
	}
	checks := preflight.Request{Environ: s.env.Environ, Getenv: s.env.Getenv}
	faults := []error{s.fetchOnHosts(ctx)}
	tried := map[programs.Model]bool{}
	for _, w := range s.topologies {
		model, ok := programs.ModelOf(w.Profile, s.env.Getenv)
		if ok && len(w.Parts) == 0 && !tried[model] && !model.Cached() {
			tried[model] = true
			if err := s.fetch(ctx, checks, w, model); err != nil {
				faults = append(faults, err)
				continue
			}
		}
		faults = append(faults, checks.LoadTokenizer(ctx, w))
	}
	if err := errors.Join(faults...); err != nil {
		return &usageError{err} // nothing was started
	}
	return nil
}

func (s *session) fetch(ctx context.Context, checks preflight.Request, w preflight.Topology, m programs.Model) error {
	prober, python := checks.Fetcher(w)
	prober.Within = w.Profile.Timeouts.Ready
	if python == "" {
		s.Screen.Note(fmt.Sprintf("model %s is not fetched first: cannot see which Python runs the engine; "+
			"each worker downloads it", m.ID))
		return nil
	}
	s.Screen.Note(fmt.Sprintf("fetching model %s, once for all workers", m.ID))
	return prober.Fetch(ctx, python, m, filepath.Join(s.Dir.Path(), "fetch.log"))
}

// fetchOnHosts downloads the models that other machines lack, at the same time, and each once a machine.
func (s *session) fetchOnHosts(ctx context.Context) error {
	names := slices.Sorted(maps.Keys(s.hosts))
	faults := make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			for _, w := range s.topologies {
				if part := w.Parts[name]; part.Fetch {
					s.Screen.Note(fmt.Sprintf("%s: fetching model %s, once for all workers", name, w.Profile.Model))
					q := preflight.Fetch{Part: part, Log: filepath.Join(s.hosts[name].Hello().Dir, "fetch.log")}
					err := preflight.Inspect(ctx, inspector{s.hosts[name], fetchOf}, q, &struct{}{})
					faults[i] = errors.Join(faults[i], deploy.OnHost(name, err))
				}
			}
		})
	}
	all.Wait()
	return errors.Join(faults...)
}
