// Package cli is the command line: one file a command, flags to values, errors
// to exit codes.
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
	"topobench/internal/run"
	"topobench/internal/ui"
)

// Env is all that a command takes from its process.
type Env struct {
	Stdout, Stderr io.Writer
	Screen         io.Writer // where a run's progress is shown; redrawn in place if it is a terminal
	Environ        []string
	At             func(run.Phase) // told when a phase of a run begins
	Root           bool            // whether plans are for root
	Shepherd       string          // a binary with the shepherd command; "" = this program itself
	PortRange      string          // path of the ports that the kernel hands out; "" = not known
}

// OS is the environment of this process. A closed stdout or stderr is no error.
func OS() *Env {
	return &Env{Stdout: ui.Lenient(os.Stdout), Stderr: ui.Lenient(os.Stderr), Screen: os.Stderr, Environ: os.Environ(),
		At: func(run.Phase) {}, Root: os.Geteuid() == 0, PortRange: portRange}
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

// commands is the whole manual.
type commands struct {
	Run      runCmd      `cmd:"" help:"Measure topologies one after another and draw the Pareto chart."`
	Plan     planCmd     `cmd:"" help:"Print what run would do as a shell script; starts nothing."`
	Up       upCmd       `cmd:"" help:"Bring one topology up and hold it until Ctrl-C."`
	Perf     perfCmd     `cmd:"" help:"perf.sh: measure a server that somebody else runs."`
	Clean    cleanCmd    `cmd:"" help:"End what killed runs left behind; touches nothing else."`
	Plot     plotCmd     `cmd:"" help:"plot_pareto.py: chart, CSV and ratio from an artifacts tree."`
	Profiles profilesCmd `cmd:"" help:"List the built-in profiles, or show one."`

	Version kong.VersionFlag `help:"Print the version."`
}

// conducting are the commands that start processes, and must take them down.
var conducting = []string{"run", "up", "perf"} // never written to

// Main runs one command and returns the exit code of the process.
func Main(args []string, env *Env) int {
	if len(args) > 0 && args[0] == "shepherd" {
		return shepherd.Main(args[1:])
	}
	signals := listen(len(args) > 0 && slices.Contains(conducting, args[0]))
	done := make(chan int, 1)
	go func() { done <- dispatch(args, env, signals) }()
	select {
	case code := <-done:
		signals.stop()
		return code
	case <-signals.abandon: // further signals stay caught: the exit code must tell
		fmt.Fprintln(env.Stderr, "topobench: left at once; the shepherds take down what still runs")
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
	parser, err := kong.New(&c, kong.Name("topobench"), kong.Description(description), kong.Vars{"version": version()},
		kong.Writers(env.Stdout, env.Stderr), kong.Exit(func(code int) { panic(stopped(code)) }), kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.KindMapper(reflect.Int, kong.MapperFunc(decodeInt)),
		kong.BindTo(signals.ctx, (*context.Context)(nil)), kong.Bind(env, signals))
	if err != nil {
		return tell(env, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if err = errors.Join(err, empty(args)); err != nil {
		return tell(env, &usageError{err})
	}
	return tell(env, ctx.Run())
}

const description = "Which LLM serving topology wins, at which latency, by how much."

// usageError is a fault of the command line or of a profile.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// tell prints an error for a person and turns it into an exit code.
func tell(env *Env, err error) int {
	if err == nil {
		return codeOK
	}
	if news := untold(err); news != nil {
		fmt.Fprintf(env.Stderr, "topobench: %v%s\n", news, diskAdvice(news))
	}
	return exitCode(err)
}

// untold is err without the results that were told already.
func untold(err error) error {
	return errors.Join(slices.DeleteFunc(flat(err), func(e error) bool {
		_, told := e.(*quietError)
		return told
	})...)
}

// flat are the errors that err joins, at any depth.
func flat(err error) []error {
	joined, several := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !several:
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flat(e)...)
	}
	return all
}
