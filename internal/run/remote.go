package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/host/agent"
	"topobench/internal/plan"
	"topobench/internal/text"
)

// Remote is another machine of a run, reached through its agent. *agent.Remote is one.
type Remote interface {
	agent.Host
	agent.Machine
	Connection
	Inspect(ctx context.Context, question []byte) ([]byte, error)
	// Close stops and removes everything there, and ends the agent. Left is what it could not end.
	Close(ctx context.Context) (left []string, err error)
}

// Connection is the way to another machine, which can be lost and made again.
type Connection interface {
	Hello() agent.Hello
	Offset() time.Duration    // its clock minus this machine's
	Context() context.Context // ends with *agent.LostError; a new connection has a new one
	// Recover makes a lost connection again, and ends what the lost agent has left.
	Recover(ctx context.Context) error
	// Lost reports that the connection is gone, and that its recovery has failed.
	Lost() bool
}

// site is a machine of a run, this one or another.
type site struct {
	name      string // of the host in the plans; "" = this machine
	host      deploy.Host
	machine   agent.Machine
	way       Connection // nil = this machine
	nvidiaSMI string     // its path there; "" = it has none
	hostname  string
	environ   []string // from which its services inherit
}

// site is the machine of a name. A name without a connection is a fault of the caller.
func (r *Runner) site(name string) site {
	if name == "" {
		hostname, _ := os.Hostname() // a machine without a name is recorded without it
		return site{host: r.here.host, machine: r.here, nvidiaSMI: r.NvidiaSMI, hostname: hostname,
			environ: r.Environ}
	}
	remote, is := r.Remotes[name]
	if !is {
		panic("a plan has a host without a connection: " + name)
	}
	hello := remote.Hello()
	return site{name: name, host: remote, machine: remote, way: remote, nvidiaSMI: hello.NvidiaSMI,
		hostname: hello.Hostname, environ: hello.Environ}
}

// sites are the machines of plans in the order of their own names: every run that shares them claims them in this
// order, whatever its profile calls them.
func (r *Runner) sites(plans ...plan.Plan) (all []site) {
	names := map[string]bool{}
	for _, p := range plans {
		for _, name := range p.Names() {
			names[name] = true
		}
	}
	for name := range maps.Keys(names) {
		all = append(all, r.site(name))
	}
	slices.SortFunc(all, func(a, b site) int {
		return cmp.Or(cmp.Compare(a.hostname, b.hostname), cmp.Compare(a.name, b.name))
	})
	return all
}

// offset is the machine's clock minus this machine's.
func (s site) offset() time.Duration {
	if s.way == nil {
		return 0
	}
	return s.way.Offset()
}

// lost reports whether the machine has no connection.
func (s site) lost() bool { return s.way != nil && s.way.Context().Err() != nil }

// at is the begin of a message about the machine: "node1: "; "" = this machine.
func (s site) at() string {
	if s.name == "" {
		return ""
	}
	return s.name + ": "
}

// title is the machine in a sentence.
func (s site) title() string { return cmp.Or(s.name, "this machine") }

// named are lines with the machine in front.
func (s site) named(lines []string) []string {
	return text.Each(lines, func(line string) string { return s.at() + line })
}

// fault is an error with the machine in front.
func (s site) fault(err error) error { return deploy.OnHost(s.name, err) }

// each does something for all at the same time.
func each[T any](all []T, do func(i int, one T) error) error {
	faults := make([]error, len(all))
	var wait sync.WaitGroup
	for i, one := range all {
		wait.Go(func() { faults[i] = do(i, one) })
	}
	wait.Wait()
	return errors.Join(faults...)
}

// releases are the claims that a run holds.
type releases []func()

// release gives up the claims, the latest first.
func (all releases) release() {
	for _, release := range slices.Backward(all) {
		release()
	}
}

// CleanCommand is the command that cleans a machine of a plan.
func CleanCommand(h plan.Host) string {
	if h.Transport == "slurm" {
		return "topobench clean --host " + h.Name
	}
	address := cmp.Or(h.Node, h.Address)
	if h.User != "" {
		address = h.User + "@" + address
	}
	return fmt.Sprintf("topobench clean --host %s=%s", h.Name, address)
}
