// Package agent runs children on another machine: a connection carries the calls of a host to the agent there, one
// process that ends with its connection.
//
// Both sides send one JSON value a line. The first line of the agent is its Hello; lines before it are a banner of
// the login, and are skipped. Each side sends a heartbeat every 5 s. After a grace of silence, or at the end of its
// input, the agent stops everything that it has started, and proves that it is gone.
package agent

import (
	"context"
	"fmt"
	"io"
	"time"

	"topobench/internal/host"
)

// Version of the protocol. Both sides come from one binary; another version is an error.
const Version = 1

// DefaultGrace is how long the agent and its client wait for a sign of the other.
const DefaultGrace = 30 * time.Second

// Host is what the agent's machine does for a plan; host.Local is one.
type Host interface {
	Start(spec host.Spec) (host.Handle, error)
	Run(ctx context.Context, spec host.Spec) (output []byte, exit host.Exit, err error)
	Put(ctx context.Context, files ...host.File) error
	Get(ctx context.Context, path string, from, limit int64) ([]byte, error)
	Look(ctx context.Context, q host.Question) (host.Snapshot, error)
}

// Machine is what a run has on a machine beside its services.
type Machine interface {
	// Claim keeps other runs from resources until release. The error is a *host.TakenError.
	Claim(ctx context.Context, resources []host.Resource) (release func(), err error)
	// Listen accepts connections on addresses, host:port, until release: a probe of the way to them.
	Listen(ctx context.Context, addresses []string) (release func(), err error)
	// Dial connects to each address once. Faults has those that it could not reach, with the reason.
	Dial(ctx context.Context, addresses []string, within time.Duration) (faults map[string]string, err error)
	// Remove kills processes of the run that have escaped, and removes its shared memory.
	Remove(ctx context.Context) (host.Removed, error)
	// Left has a line for each thing of the run that is still there, none of a running service.
	Left(ctx context.Context) ([]string, error)
}

// Hello describes the agent and its machine.
type Hello struct {
	Protocol int    `json:"topobench_agent"` // Version
	Release  string `json:"release"`         // of topobench
	Hostname string `json:"hostname"`
	Arch     string `json:"arch"` // as in GOARCH
	PID      int    `json:"pid"`
	User     string `json:"user"`
	Root     bool   `json:"root"`
	Run      string `json:"run"`  // id of the agent's own run on that machine: the cookie of its processes
	Dir      string `json:"dir"`  // private directory for logs, data and rendered files
	Temp     string `json:"temp"` // TMPDIR of its children
	Exe      string `json:"exe"`  // the binary
	// Environ is the environment of the login, from which services inherit.
	Environ   []string `json:"environ"`
	NvidiaSMI string   `json:"nvidia_smi"` // its path; "" = none
	Recovered []string `json:"recovered"`  // what it ended that an earlier agent of the run had left
}

// Server is the agent's side.
type Server struct {
	Host    Host
	Machine Machine
	// Inspect answers a question about the machine; both values are JSON that this package does not read.
	Inspect func(ctx context.Context, question []byte) ([]byte, error)
	Hello   Hello
	Grace   time.Duration // of silence; 0 = DefaultGrace
}

// Conn is a connection to an agent: a process such as ssh, or a pipe in tests.
type Conn struct {
	In  io.WriteCloser // to the agent's stdin
	Out io.Reader      // from its stdout
	// End ends the connection at once, without the agent's help. It returns why the connection ended, with what
	// ssh or srun printed; nil = as it should.
	End func() error
}

// LostError reports a host that no longer answers.
type LostError struct {
	Host string // its name
	Err  error
}

func (e *LostError) Error() string {
	return fmt.Sprintf("lost the connection to %s: %v", e.Host, e.Err)
}

func (e *LostError) Unwrap() error { return e.Err }
