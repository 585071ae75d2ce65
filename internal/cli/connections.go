package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/run"
)

// graceFlag bounds the silence of other machines.
type graceFlag struct {
	OrphanGrace duration `default:"30s" help:"Silence after which the agent of another host ends all there (min. 10s)."`
}

// leastGrace has room for two signs of life, one each 5 s.
const leastGrace = 10 * time.Second

func (f graceFlag) check() error {
	if f.OrphanGrace.value() < leastGrace {
		return fmt.Errorf("--orphan-grace %v is too short: a connection has a sign of life each 5 s; use %v or more",
			f.OrphanGrace.value(), leastGrace)
	}
	return nil
}

// Remote is another machine, reached through its agent.
type Remote interface {
	run.Remote
	preflight.Inspector
}

// Target is the machine to reach, and the agent to start there.
type Target struct {
	Name   string // of the host
	Host   profile.Host
	Run    string // id of the agent's own run
	Grace  time.Duration
	LogCap *uint64 // bytes of each log there, 0 = any; nil = the agent's default
}

// connections are the other machines of a command, by name.
type connections map[string]Remote

// connect reaches every machine of the profiles, at the same time. The error has the faults of all; no connection
// stays after it. to is all that they have in common; the id of each agent's own run begins with its Run.
func (e *Env) connect(ctx context.Context, profiles []profile.Profile, to Target) (connections, error) {
	hosts, err := hostsOf(profiles)
	if err != nil {
		return nil, &usageError{err}
	}
	names := slices.Sorted(maps.Keys(hosts))
	found, faults := make([]Remote, len(names)), make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			t := to
			t.Name, t.Host, t.Run = name, hosts[name], to.Run+"-"+name
			found[i], faults[i] = e.reach(ctx, t)
		})
	}
	all.Wait()
	c := connections{}
	for i, name := range names {
		if faults[i] == nil {
			c[name] = found[i]
		}
	}
	switch err := errors.Join(faults...); {
	case ctx.Err() != nil:
		return nil, errors.Join(context.Cause(ctx), c.close())
	case err != nil:
		return nil, errors.Join(&usageError{err}, c.close())
	}
	return c, nil
}

// reach connects to one machine.
func (e *Env) reach(ctx context.Context, t Target) (Remote, error) {
	if e.Reach != nil {
		return e.Reach(ctx, t)
	}
	return e.dial(ctx, t)
}

// hostsOf are the machines of profiles by name. One connection serves all profiles, so that a name is one machine, and
// a machine has one name.
func hostsOf(profiles []profile.Profile) (map[string]profile.Host, error) {
	hosts, by := map[string]profile.Host{}, map[string]string{} // by address: its name
	var faults []error
	for _, p := range profiles {
		for _, name := range preflight.Others(p) {
			h := p.Hosts[name]
			known, twice := hosts[name]
			switch other := by[h.Address]; {
			case twice && (known.Address != h.Address || known.User != h.User || known.Transport != h.Transport):
				faults = append(faults, fmt.Errorf("%s: the host %s is %s here and %s in another profile: "+
					"rename one of them", p.Source, name, h.Address, known.Address))
			case other != "" && other != name:
				faults = append(faults, fmt.Errorf("%s: %s and %s are one machine, %s: use one name for it",
					p.Source, other, name, h.Address))
			default:
				hosts[name], by[h.Address] = h, name
			}
		}
	}
	return hosts, errors.Join(faults...)
}

// inspectors are the machines as preflight needs them.
func (c connections) inspectors() map[string]preflight.Inspector {
	all := map[string]preflight.Inspector{}
	for name, r := range c {
		all[name] = inspector{r, checksOf}
	}
	return all
}

// remotes are the machines as a run needs them.
func (c connections) remotes() map[string]run.Remote {
	all := map[string]run.Remote{}
	for name, r := range c {
		all[name] = r
	}
	return all
}

// closeWithin bounds the end of the agents of a command that has no run.
const closeWithin = time.Minute

// close ends the agents, at the same time. The error is *deploy.DirtyError if something is left on a machine.
func (c connections) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	names := slices.Sorted(maps.Keys(c))
	faults := make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			left, err := c[name].Close(ctx)
			if len(left) > 0 {
				err = errors.Join(deploy.Dirty("host "+name, nil, nil, left...), err)
			}
			faults[i] = deploy.OnHost(name, err)
		})
	}
	all.Wait()
	return errors.Join(faults...)
}

// textOf is a host for a person: "node1 (ssh user@10.0.0.6)".
func textOf(name string, h profile.Host) string {
	address := h.Address
	if h.User != "" {
		address = h.User + "@" + address
	}
	return fmt.Sprintf("%s (%s %s)", name, h.Transport, strings.TrimSpace(address))
}
