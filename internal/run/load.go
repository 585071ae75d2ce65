package run

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host/agent"
	"topobench/internal/plan"
)

// LoadMachine is another machine that runs aiperf. *agent.Remote is one.
type LoadMachine interface {
	agent.Host
	// DialContext connects from there: only that machine has to reach the servers.
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	Hello() agent.Hello
	Offset() time.Duration    // its clock minus this machine's
	Context() context.Context // ends when its connection is lost
}

// Elsewhere is a Serving whose load runs on another machine. Its endpoints, gates and counters have the addresses by
// which that machine reaches them.
type Elsewhere interface {
	Serving
	Load() LoadMachine
}

// loadMachine is nil if the load runs on this machine.
func loadMachine(s Serving) LoadMachine {
	if e, is := s.(Elsewhere); is {
		return e.Load()
	}
	return nil
}

// proberOf probes from the machine of the load.
func (r *Runner) proberOf(s Serving) Prober {
	m := loadMachine(s)
	if m == nil {
		return r.prober
	}
	return deploy.NewProber(m).Through(m.DialContext).Over(r.machines()).Sending(aiperf.Network(r.Environ), r.Key)
}

// tied is a Serving that ends with the connection to the machine of its load.
type tied struct {
	Elsewhere
	ctx     context.Context
	release func()
}

// tie leaves a Serving as it is if its load runs on this machine.
func tie(s Serving) Serving {
	e, is := s.(Elsewhere)
	if !is {
		return s
	}
	ctx, cancel := context.WithCancelCause(e.Context())
	connection := e.Load().Context()
	stop := context.AfterFunc(connection, func() { cancel(context.Cause(connection)) })
	return tied{e, ctx, func() { stop(); cancel(nil) }}
}

// Context ends with *agent.LostError when the connection is lost.
func (t tied) Context() context.Context { return t.ctx }

// Down takes it down.
func (t tied) Down(force context.Context) error {
	defer t.release()
	return t.Elsewhere.Down(force)
}

// eventsOf marks the events of the cluster that a Serving is on; nil = it is on none.
func eventsOf(s Serving) func(context.Context) (func(context.Context) ([]string, error), error) {
	if t, is := s.(tied); is {
		s = t.Elsewhere
	}
	if pods, is := s.(*podServing); is {
		return pods.Events
	}
	return nil
}

// located puts a job on the machine that runs it. Its files come back to the attempt's.
func (c cells) located(j aiperf.Job) (aiperf.Machine, aiperf.Job) {
	if c.away == nil {
		return c.here.host, j
	}
	j.Copy = aiperf.Copy{Dir: j.Dir, Log: j.Log}
	below := strings.TrimPrefix(j.Dir, c.Dir.Path()+"/")
	j.Dir = filepath.Join(c.away.Hello().Dir, below)
	j.Log = j.Dir + ".log"
	return c.away, j
}

// loadEnviron is the environment of aiperf on the machine that runs it. Another one has its own variables, and the
// names by which its agent finds processes; the key of the requests is this machine's.
func (c cells) loadEnviron() (env, missing []string) {
	if c.away == nil {
		return plan.LoadEnviron(c.Environ, c.load.Env)
	}
	hello, caller, own := c.away.Hello(), []string(nil), slices.Clone(c.load.Env)
	for i, kv := range own {
		switch kv {
		case artifacts.RunVariable + "=" + c.Dir.ID():
			own[i] = artifacts.RunVariable + "=" + hello.Run
		case "TMPDIR=" + c.Dir.TempDir():
			own[i] = "TMPDIR=" + hello.Temp
		}
		if _, variable := plan.Expansion(kv); strings.HasPrefix(kv, aiperf.KeyVariable+"=") {
			caller = slices.DeleteFunc(slices.Clone(c.Environ), func(theirs string) bool {
				return !strings.HasPrefix(theirs, variable+"=")
			})
		}
	}
	return plan.LoadEnviron(slices.Concat(hello.Environ, caller), own)
}

// clock is a time of this machine on the clock of the load's.
func (c cells) clock(at time.Time) time.Time {
	if c.away == nil {
		return at
	}
	return at.Add(c.away.Offset())
}
