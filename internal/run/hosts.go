package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/host/agent"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/text"
)

// closeWithin bounds the goodbye to a machine. It includes a recovery of its connection.
const closeWithin = 2 * time.Minute

// connected reports hosts of the plans without a connection, and records those with one.
func (r *Runner) connected(topologies []preflight.Topology) (err error) {
	noted := map[string]bool{}
	for _, t := range topologies {
		for _, h := range t.Plan.Hosts {
			remote, is := r.Remotes[h.Name]
			if !is {
				err = errors.Join(err, fmt.Errorf("cannot start %s: there is no connection to %s", t.Plan.Name, h.Name))
				continue
			}
			if noted[h.Name] {
				continue
			}
			noted[h.Name], r.hosts = true, append(r.hosts, h)
			hello := remote.Hello()
			r.Journal.Note(journal.Host{Name: h.Name, Transport: h.Transport, User: h.User,
				Address: cmp.Or(h.Node, h.Address), Hostname: hello.Hostname, Run: hello.Run, Release: hello.Release,
				Offset: remote.Offset().Seconds()})
		}
	}
	return err
}

// machines are the other machines of the run, by name.
func (r *Runner) machines() map[string]deploy.Machine {
	all := map[string]deploy.Machine{}
	for name, remote := range r.Remotes {
		all[name] = deploy.Machine{Name: name, Host: remote, Environ: remote.Hello().Environ,
			Lost: func() bool { return remote.Lost() }}
	}
	return all
}

// placements are the directories of a launch on the other machines of a plan, by name.
func (r *Runner) placements(p plan.Plan, below ...string) map[string]plan.Placement {
	all := map[string]plan.Placement{}
	for _, h := range p.Hosts {
		if remote, is := r.Remotes[h.Name]; is {
			hello := remote.Hello()
			dir := filepath.Join(append([]string{hello.Dir, "topologies"}, below...)...)
			all[h.Name] = plan.Placement{Dir: dir, Temp: hello.Temp, Cookie: hello.Run}
		}
	}
	return all
}

// hostChecks are the teardown checks of the other machines of a plan: of processes and of shared memory.
func (r *Runner) hostChecks(p plan.Plan) (checks []deploy.TeardownCheck) {
	for _, h := range p.Hosts {
		remote, is := r.Remotes[h.Name]
		if !is {
			continue
		}
		checks = append(checks, deploy.TeardownCheck{Name: processesName, Host: h.Name, Within: goneWithin,
			Remove: func() error { return r.removeOn(h.Name, remote) },
			Check: func(ctx context.Context) (left []deploy.Leftover, err error) {
				lines, err := remote.Left(ctx)
				for _, line := range lines {
					left = append(left, deploy.Leftover{Detail: line})
				}
				return left, err
			}})
	}
	return checks
}

// removeOn kills and removes what a launch has left on a machine, and records it.
func (r *Runner) removeOn(name string, remote agent.Machine) error {
	removed, err := remote.Remove(context.WithoutCancel(r.Force))
	if removed.Killed+len(removed.Shm)+len(removed.Others) > 0 {
		r.Journal.Note(journal.HostRemoved{Name: name, Killed: removed.Table, Removed: removed.Shm,
			Others: removed.Others})
	}
	if removed.Killed > 0 {
		r.Screen.Note(fmt.Sprintf("%s: killed %s of the run that had escaped from its service "+
			"(\"host-removed\" in journal.ndjson)", name, proc.Count(removed.Killed)))
	}
	return err
}

// processes is a Target whose services are processes of this run.
type processes struct {
	deploy.Target
	run *Runner
}

// Up brings the plan up. It ends when the connection to one of its machines is lost.
func (p processes) Up(ctx context.Context) (Serving, error) {
	ctx, release := p.run.guard(ctx, p.Plan)
	s, err := p.Target.Up(ctx)
	if err != nil {
		release()
		return nil, err
	}
	return guarded{s, release}, nil
}

// guarded is a stack whose context ends with the connections to its machines.
type guarded struct {
	*deploy.Stack
	release func()
}

// Down takes it down. A lost connection is made again for that.
func (g guarded) Down(force context.Context) error {
	defer g.release()
	return g.Stack.Down(force)
}

// guard is a context that ends with *agent.LostError when a connection to a machine of p is lost. release records
// which machines were lost, and which of them answer again.
func (r *Runner) guard(ctx context.Context, p plan.Plan) (guarded context.Context, release func()) {
	if len(p.Hosts) == 0 {
		return ctx, func() {}
	}
	guarded, cancel := context.WithCancelCause(ctx)
	var watches []func() bool
	var mu sync.Mutex
	lost := map[string]bool{}
	for _, h := range p.Hosts {
		connection := r.Remotes[h.Name].Context()
		watches = append(watches, context.AfterFunc(connection, func() {
			mu.Lock()
			defer mu.Unlock()
			lost[h.Name] = true
			cancel(context.Cause(connection))
			r.Journal.Note(journal.HostLost{Name: h.Name, Error: context.Cause(connection).Error()})
		}))
	}
	return guarded, func() {
		for _, stop := range watches {
			stop()
		}
		cancel(nil)
		mu.Lock()
		defer mu.Unlock()
		for _, name := range slices.Sorted(maps.Keys(lost)) {
			r.recovered(name)
		}
	}
}

// recovered records a machine that answers again. Its agent has another TMPDIR, so plans have to be placed again.
func (r *Runner) recovered(name string) {
	remote := r.Remotes[name]
	if remote.Context().Err() != nil {
		return
	}
	clear(r.placed)
	ended := remote.Hello().Recovered
	r.Journal.Note(journal.HostRecovered{Name: name, Ended: ended})
	text := ""
	if len(ended) > 0 {
		text = "; what its agent had left there was ended (\"host-recovered\" in journal.ndjson)"
	}
	r.Screen.Note(fmt.Sprintf("%s answers again%s", name, text))
}

// reconnect makes connections again that were lost while nothing of a plan ran.
func (r *Runner) reconnect(ctx context.Context, p plan.Plan) error {
	if r.cluster != nil {
		return r.Remotes[LoadName].Recover(ctx)
	}
	var lost []plan.Host
	for _, h := range p.Hosts {
		if why := context.Cause(r.Remotes[h.Name].Context()); why != nil {
			r.Journal.Note(journal.HostLost{Name: h.Name, Error: why.Error()})
			lost = append(lost, h)
		}
	}
	err := each(lost, func(_ int, h plan.Host) error {
		if err := r.Remotes[h.Name].Recover(ctx); err != nil {
			return r.unreachable("run "+r.Dir.ID(), h, err)
		}
		return nil
	})
	for _, h := range lost {
		r.recovered(h.Name)
	}
	return err
}

// unreachable is the *deploy.DirtyError of a machine on which nothing can be proved gone.
func (r *Runner) unreachable(what string, h plan.Host, reasons ...error) *deploy.DirtyError {
	dirty := deploy.Dirty(what, nil, nil)
	for _, reason := range reasons {
		dirty.Reasons = append(dirty.Reasons, strings.Split(h.Name+": "+reason.Error(), "\n")...)
	}
	dirty.Hosts = []string{h.Name}
	dirty.Next = []string{fmt.Sprintf("%s: once it can be reached, run %s", h.Name, CleanCommand(h))}
	return dirty
}

// goodbye ends the agents on all other machines. The error is a *deploy.DirtyError for each on which something is left,
// or that cannot be reached. why is how the run ended; it may name such a machine already.
func (r *Runner) goodbye(why error) error {
	dirty, _ := errors.AsType[*deploy.DirtyError](why)
	return each(slices.Sorted(maps.Keys(r.Remotes)), func(_ int, name string) error {
		if r.cluster != nil && name == LoadName { // its pod ends with the cluster's part
			return nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Force), closeWithin)
		defer cancel()
		defer context.AfterFunc(r.Force, cancel)()
		left, err := r.Remotes[name].Close(ctx)
		if len(left) == 0 && err == nil {
			r.Journal.Note(journal.HostEnd{Name: name})
			return nil
		}
		var reasons []error
		for _, line := range left {
			reasons = append(reasons, errors.New(line))
		}
		if err != nil {
			reasons = append(reasons, err)
		}
		r.Journal.Note(journal.HostEnd{Name: name, Left: text.Each(reasons, error.Error)})
		if _, lost := errors.AsType[*agent.LostError](err); lost && dirty != nil && slices.Contains(dirty.Hosts, name) {
			return nil
		}
		return r.unreachable("the agent of run "+r.Dir.ID(), r.known(name), reasons...)
	})
}

// known is a host of the plans of the run by its name.
func (r *Runner) known(name string) plan.Host {
	for _, h := range r.hosts {
		if h.Name == name {
			return h
		}
	}
	return plan.Host{Name: name}
}
