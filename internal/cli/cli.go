// Package cli is the command line: one file a command, flags to values, errors to exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"topobench/internal/host/shepherd"
	"topobench/internal/profile"
	"topobench/internal/programs"
	"topobench/internal/run"
	"topobench/internal/ui"
)

// Env is everything that a command takes from its process.
type Env struct {
	Stdout, Stderr io.Writer
	Screen         io.Writer // shows a run's progress; redrawn in place if it is a terminal
	Environ        []string
	At             func(run.Phase) // called when a phase of a run begins
	Root           bool            // whether plans are for root
	Shepherd       string          // a binary with the shepherd command; "" = this program itself
	Args           []string        // of the command, which a message may repeat
	PortRange      string          // path of the range of ports that the kernel assigns to clients; "" = unknown
	// Nodes are those of the Slurm allocation, with node and address; nil = none are found.
	Nodes  func(ctx context.Context) ([]profile.Host, error)
	Lookup func(ctx context.Context, name string) ([]string, error) // of the addresses of a machine; nil = the system's

	// Reach connects to another machine; nil = by ssh or srun.
	Reach func(ctx context.Context, t Target) (Remote, error)
}

// portRange is where Linux has the range of ports that it assigns to clients.
const portRange = "/proc/sys/net/ipv4/ip_local_port_range"

// OS is the environment of this process. A closed stdout or stderr is no error.
func OS() *Env {
	e := &Env{Stdout: ui.Lenient(os.Stdout), Screen: os.Stderr, Environ: os.Environ(),
		Stderr: ui.NewPrinter(ui.Lenient(os.Stderr), os.Getenv),
		At:     func(run.Phase) {}, Root: os.Geteuid() == 0, PortRange: portRange}
	e.Nodes = e.nodes
	return e
}

// Getenv is the value of a variable, "" when it is not set.
func (e *Env) Getenv(name string) string {
	for _, kv := range e.Environ {
		if n, v, _ := strings.Cut(kv, "="); n == name {
			return v
		}
	}
	return ""
}

// reader reads profiles in this environment.
func (e *Env) reader() profile.Reader {
	return profile.Reader{Getenv: e.Getenv, Cache: programs.CacheDir(e.Getenv)}
}

// commands is the whole manual.
type commands struct {
	Run      runCmd      `cmd:"" help:"Measure topologies one after another and draw the Pareto chart."`
	Plan     planCmd     `cmd:"" help:"Print what run would do as a shell script; starts nothing."`
	Up       upCmd       `cmd:"" help:"Bring one topology up and hold it until Ctrl-C."`
	Perf     perfCmd     `cmd:"" help:"perf.sh: measure a server that is already running."`
	Doctor   doctorCmd   `cmd:"" help:"Check this machine, and what run would refuse, with remedies; starts nothing."`
	Clean    cleanCmd    `cmd:"" help:"Kill and remove what killed runs left behind; touches nothing else."`
	Plot     plotCmd     `cmd:"" help:"plot_pareto.py: chart, CSV and ratio from an artifacts tree."`
	Compare  compareCmd  `cmd:"" help:"Compare a root or run with an earlier one, or with a saved baseline."`
	Profiles profilesCmd `cmd:"" help:"List the built-in profiles, or show one."`
	Help     helpCmd     `cmd:"" help:"Explain a topic, such as rules, teardown, profile or kubernetes."`
	Agent    agentCmd    `cmd:"" hidden:"" help:"Serve a run of another machine on stdin and stdout."`

	globals
}

// globals are the flags of every command.
type globals struct {
	Version kong.VersionFlag `help:"Print the version."`
}

// starting are the commands that start processes, and must take them down.
var starting = []string{"run", "up", "perf", "agent"} // constant

// Main runs one command and returns the exit code of the process.
func Main(args []string, env *Env) int {
	if len(args) > 0 && args[0] == "shepherd" {
		return shepherd.Main(args[1:])
	}
	signals := listen(len(args) > 0 && slices.Contains(starting, args[0]))
	env.Args = args
	done := make(chan int, 1)
	go func() { done <- dispatch(args, env, signals) }()
	select {
	case code := <-done:
		signals.stop()
		return code
	case <-signals.abandon: // further signals stay caught: they would change the exit code
		fmt.Fprintln(env.Stderr, "topobench: left at once; the shepherds take the rest down")
		return codeDirty
	}
}

// stopped is how kong leaves after --help and --version.
type stopped int

func dispatch(args []string, env *Env, signals *signals) (code int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case stopped:
			code = int(r)
		default:
			panic(r)
		}
	}()
	var c commands
	parser, err := c.parser(args, env, signals)
	if err != nil {
		return finish(env, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if err = errors.Join(err, rejectEmpty(args)); err != nil {
		return finish(env, &usageError{err})
	}
	return finish(env, ctx.Run())
}

// parser reads command lines into c. One that begins with the name of a command needs the grammar of that command only,
// which takes a third of the time to build.
func (c *commands) parser(args []string, env *Env, signals *signals) (*kong.Kong, error) {
	options := []kong.Option{kong.Name("topobench"), kong.Description(description), kong.Vars{"version": version()},
		kong.Writers(env.Stdout, env.Stderr), kong.Exit(func(code int) { panic(stopped(code)) }), kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.KindMapper(reflect.Int, kong.MapperFunc(decodeInt)),
		kong.BindTo(signals.ctx, (*context.Context)(nil)), kong.Bind(env, signals)}
	for field, value := range reflect.ValueOf(c).Elem().Fields() {
		_, command := field.Tag.Lookup("cmd")
		if name := strings.ToLower(field.Name); command && len(args) > 0 && args[0] == name {
			only := kong.DynamicCommand(name, field.Tag.Get("help"), "", value.Addr().Interface())
			return kong.New(&c.globals, append(options, only)...)
		}
	}
	return kong.New(c, options...)
}

const description = "Which LLM serving topology wins, at which latency, by how much."

// usageError is a fault of the command line or of a profile.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// finish prints an error for a person and returns its exit code.
func finish(env *Env, err error) int {
	if err == nil {
		return codeOK
	}
	if news := unreported(err); news != nil {
		fmt.Fprintf(env.Stderr, "topobench: %v%s\n", news, diskAdvice(news))
	}
	code := exitCode(err)
	if result, is := errors.AsType[*reportedError](err); is && result.code == code && result.last != "" {
		fmt.Fprintf(env.Stderr, "topobench: %s\n", result.last)
	}
	return code
}

// unreported is err without the results that were printed already.
func unreported(err error) error {
	return errors.Join(slices.DeleteFunc(flatten(err), func(e error) bool {
		_, reported := e.(*reportedError)
		return reported
	})...)
}

// flatten are the errors that err joins, at any depth.
func flatten(err error) []error {
	joined, several := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !several:
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}
