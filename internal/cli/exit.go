package cli

import (
	"errors"
	"slices"
	"syscall"

	"topobench/internal/deploy"
	"topobench/internal/host/gpu"
	"topobench/internal/kube"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/run"
)

// Exit codes.
const (
	codeOK       = 0
	codeFailed   = 1
	codeUsage    = 2
	codePartial  = 3
	codeNotUp    = 4
	codeDirty    = 5
	codeBusy     = 6
	codeWorse    = 7
	signalOffset = 128
)

// exit is an exit code and the errors that lead to it.
type exit struct {
	code    int
	meaning string
	is      func(error) bool
}

// exits is the table of exit codes, the strongest first: leftovers count more than the fault that ended the run.
func exits() []exit {
	signal := func(s syscall.Signal, name string) exit {
		return exit{signalOffset + int(s), "interrupted by " + name + ", after a proved teardown",
			func(err error) bool {
				interrupt, is := errors.AsType[*run.Interrupt](err)
				return is && interrupt.Signal == s
			}}
	}
	return []exit{
		{codeDirty, "DIRTY: something could not be proved gone, and no further topology was started",
			is[*deploy.DirtyError]},
		signal(syscall.SIGINT, "SIGINT (Ctrl-C)"), signal(syscall.SIGTERM, "SIGTERM"), signal(syscall.SIGHUP, "SIGHUP"),
		{codeBusy, "another process uses a port or a GPU; the message names it",
			func(err error) bool {
				return deploy.Busy(err) || kube.Taken(err) || is[*runningError](err) || is[*run.LiveError](err) ||
					ends(err, codeBusy)
			}},
		{codeNotUp, "a topology did not start",
			func(err error) bool { return is[*run.NotUpError](err) || ends(err, codeNotUp) }},
		{codePartial, "partial: some cells failed or are not valid; compare: inconclusive",
			func(err error) bool { return ends(err, codePartial) }},
		{codeWorse, "compare: worse than the baseline", func(err error) bool { return ends(err, codeWorse) }},
		{codeUsage, "a fault in the command line or a profile; a program, a model, a GPU or disk space is missing",
			func(err error) bool {
				return is[*usageError](err) || is[profile.Faults](err) || is[*gpu.MissingError](err) ||
					is[*run.NotFoundError](err) || is[*run.DriftError](err) || is[*run.GPUsUnknownError](err) ||
					ends(err, codeUsage)
			}},
		{codeFailed, "failed; compare: could not compare", func(err error) bool { return err != nil }},
		{codeOK, "everything was measured and is valid; compare: not worse than the baseline",
			func(err error) bool { return err == nil }},
	}
}

func is[E error](err error) bool {
	_, is := errors.AsType[E](err)
	return is
}

// ends reports whether err has a result or a preflight check that ends the program with code.
func ends(err error, code int) bool {
	reported, isResult := errors.AsType[*reportedError](err)
	refused, isCheck := errors.AsType[*preflight.Error](err)
	return isResult && reported.code == code || isCheck && refused.Check.Code == code
}

// reportedError is a result that is printed already. Only its code matters, and the last line of a run that failed.
type reportedError struct {
	code int
	last string
}

func (e *reportedError) Error() string { return "see above" }

// exitCode returns the strongest code of the joined errors. Leftovers are stronger than the fault that ended the run.
func exitCode(err error) int {
	all := exits()
	return all[slices.IndexFunc(all, func(e exit) bool { return e.is(err) })].code
}
