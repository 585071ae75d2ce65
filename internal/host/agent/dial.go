package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"topobench/internal/host"
	"topobench/internal/text"
)

// Command is the first argument that makes our binary an agent.
const Command = "agent"

const (
	helloLimit = 2 * time.Minute  // from the start of ssh or srun to the agent's first line
	copyLimit  = 5 * time.Minute  // of the binary, over a slow link
	heardBytes = 16 << 10         // of a host's output before its Hello, and of the messages of ssh or srun
	endLimit   = 2 * time.Second  // for a connection whose input is closed to end by itself
	abortLimit = 10 * time.Second // of a Transport's Abort
)

// Transport reaches a machine.
type Transport interface {
	// Argv is the local program, ssh or srun, that runs a command of the POSIX shell there.
	Argv(command string) []string
	// Explain is what the program's output means, with the next step; nil = unknown.
	Explain(output string, code int) error
	// Abort ends what Argv has started there, where the end of the local program does not.
	Abort(ctx context.Context) error
	String() string // for messages: "ssh user@10.0.0.6"
}

// Dial makes a connection to a host: it starts the agent there, and copies this binary to it if it is missing.
type Dial struct {
	Name      string // of the host
	Transport Transport
	Exe       string        // the binary for the agent; "" = this one
	Run       string        // id of the agent's own run: the run's, with the host's name
	Grace     time.Duration // of silence
	LogCap    *uint64       // bytes of each log there, 0 = any; nil = the agent's default
	Recover   bool          // end first what an earlier agent of this run has left
	Temp      string        // place of its private directories; "" = that of its login
	Environ   []string      // of ssh or srun
	Log       string        // takes the messages of ssh or srun
	// Spawn starts the local program; nil = that of a host.Starter.
	Spawn func(host.Spec) (host.Piped, error)
}

// Connect returns once the agent there has described itself. Everything that it starts has ended after an error.
func (d Dial) Connect(ctx context.Context) (*Client, error) {
	client, err := d.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to %s (%v): %w", d.Name, d.Transport, err)
	}
	return client, nil
}

func (d Dial) connect(ctx context.Context) (*Client, error) {
	if !word.MatchString(d.Run) {
		return nil, fmt.Errorf("the run id %q is not made of letters, digits and . _ -", d.Run)
	}
	b, err := readBinary(running(d.Exe))
	if err != nil {
		return nil, err
	}
	if d.Recover { // an agent without a connection may still wait for its grace
		if err := d.abort(ctx); err != nil {
			return nil, err
		}
	}
	client, absent, err := d.attempt(ctx, b)
	if absent == nil {
		return client, err
	}
	if err := d.install(ctx, b, *absent); err != nil {
		return nil, err
	}
	client, absent, err = d.attempt(ctx, b)
	if absent != nil {
		return nil, errors.New("topobench was copied there, and is gone again: see what cleans its directory")
	}
	return client, err
}

// word is an argument that every shell takes as it is.
var word = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*$`) // constant

func (d Dial) args() []string {
	args := []string{Command, "--run", d.Run, "--grace", d.Grace.String()}
	if d.LogCap != nil {
		args = append(args, "--log-cap", fmt.Sprintf("%dB", *d.LogCap))
	}
	if d.Recover {
		args = append(args, "--recover")
	}
	if safePath.MatchString(d.Temp) { // else the next login decides
		args = append(args, "--temp", `"`+d.Temp+`"`)
	}
	return args
}

// After is d for the agents after the one with that hello: they look for what it has left where it was, although each
// login may have a TMPDIR of its own.
func (d Dial) After(h Hello) Dial {
	d.Temp = filepath.Dir(h.Temp)
	return d
}

// attempt starts the agent; absent is set where the host does not have the binary.
func (d Dial) attempt(ctx context.Context, b binary) (client *Client, absent *missing, err error) {
	c, err := d.open(startScript(b, d.args()))
	if err != nil {
		return nil, nil, err
	}
	late := time.AfterFunc(helloLimit, c.stop)
	client, err = Connect(ctx, d.Name, d.Grace, Conn{In: c.In, Out: c, End: c.end})
	onTime := late.Stop()
	if err == nil && onTime {
		c.forget()
		return client, nil, nil
	}
	why := c.end()
	if m, found := parseMissing(c.heard()); found {
		return nil, &m, nil
	}
	switch {
	case ctx.Err() != nil:
		return nil, nil, context.Cause(ctx)
	case !onTime:
		return nil, nil, errors.Join(fmt.Errorf("no agent has answered within %v", helloLimit), why)
	case why != nil:
		return nil, nil, why
	case errors.Unwrap(err) != nil: // without its "cannot connect"
		err = errors.Unwrap(err)
	}
	return nil, nil, err
}

func (d Dial) abort(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, abortLimit)
	defer cancel()
	return d.Transport.Abort(ctx)
}

// connection is a running ssh or srun. As a reader it is its stdout, of which it keeps the beginning.
type connection struct {
	host.Piped
	dial    Dial
	program string       // ssh or srun
	begin   int64        // where its messages begin in the log
	end     func() error // ends it, and returns why it had ended before

	mu        sync.Mutex
	beginning []byte // of stdout, until forget
	forgotten bool
}

// open starts the local program with a command for the shell there.
func (d Dial) open(command string) (*connection, error) {
	argv := d.Transport.Argv(command)
	c := &connection{dial: d, program: argv[0]}
	if info, err := os.Stat(d.Log); err == nil {
		c.begin = info.Size()
	}
	spawn := d.Spawn
	if spawn == nil {
		spawn = host.Starter{}.Pipe
	}
	var err error
	c.Piped, err = spawn(host.Spec{Name: c.program + " to " + d.Name, Argv: argv, Env: d.Environ,
		Log: d.Log, Grace: endLimit})
	if err != nil {
		if known := d.Transport.Explain(err.Error(), -1); known != nil {
			return nil, known
		}
		return nil, err
	}
	c.end = sync.OnceValue(c.finish)
	return c, nil
}

func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Out.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.forgotten {
		c.beginning = append(c.beginning, p[:min(n, heardBytes-len(c.beginning))]...)
	}
	return n, err
}

// forget is called once the agent speaks: what it sends is no message of a program.
func (c *connection) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beginning, c.forgotten = nil, true
}

// heard is stdout before the Hello, which has an environment.
func (c *connection) heard() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	banner, _, _ := bytes.Cut(c.beginning, helloKey)
	return string(banner)
}

// stop kills the local program, and ends what it has started there.
func (c *connection) stop() {
	_ = c.dial.abort(context.Background()) // the end of the connection ends the agent too, after its grace
	_ = c.Stop(context.Background())       // finish returns the error
}

// finish ends the connection and returns why it had ended before, if it had.
func (c *connection) finish() error {
	c.In.Close() // it breaks where the program has ended
	select {
	case <-c.Done():
	case <-time.After(endLimit):
		c.stop()
	}
	stopErr := c.Stop(context.Background())
	c.Out.Close() // only now: it has the last messages
	exit := c.Exit()
	if exit.Code == 0 || stopErr != nil {
		return stopErr
	}
	messages, err := c.messages()
	if err != nil {
		return fmt.Errorf("it ended with %v, and its messages cannot be read: %w", exit, err)
	}
	return c.reason(exit, messages+"\n"+c.heard())
}

// messages is the end of what the local program printed.
func (c *connection) messages() (string, error) {
	info, err := os.Stat(c.dial.Log)
	if err != nil {
		return "", err
	}
	printed, err := text.Added(c.dial.Log, max(c.begin, info.Size()-heardBytes), heardBytes)
	return string(printed), err
}

// reason explains an end by what the programs printed.
func (c *connection) reason(exit host.Exit, output string) error {
	known := c.dial.Transport.Explain(output, exit.Code)
	if known == nil {
		known = Explain(Messages(), "", output)
	}
	if known != nil {
		return known
	}
	if exit.Stopped { // by this program
		return nil
	}
	lines := text.Lines([]byte(output))
	if len(lines) == 0 {
		return fmt.Errorf("%s ended without a message: %v", c.program, exit)
	}
	return fmt.Errorf("%s ended with %v: %s", c.program, exit, strings.Join(lines[max(0, len(lines)-3):], "; "))
}
