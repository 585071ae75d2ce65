package cli

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"topobench/internal/deploy"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/run"
)

func TestExitCodeIsThatOfTheStrongestError(t *testing.T) {
	dirty, interrupt, busy := &deploy.DirtyError{}, &run.Interrupt{Signal: syscall.SIGTERM}, &deploy.PortsBusyError{}
	notUp, partial := &run.NotUpError{Err: errors.New("x")}, &reportedError{code: codePartial}
	usage, refused := &usageError{errors.New("x")}, &preflight.Error{Check: preflight.Check{Code: codeUsage}}
	for _, row := range []struct {
		errs []error
		want int
	}{
		{nil, codeOK},
		{[]error{errors.New("x")}, codeFailed},
		{[]error{usage}, codeUsage},
		{[]error{profile.Faults{{}}}, codeUsage},
		{[]error{refused}, codeUsage},
		{[]error{errors.New("x"), partial}, codePartial},
		{[]error{&reportedError{code: codeNotUp}}, codeNotUp},
		{[]error{partial, notUp}, codeNotUp},
		{[]error{notUp, busy}, codeBusy},
		{[]error{busy, fmt.Errorf("wrapped: %w", interrupt)}, 143},
		{[]error{&run.Interrupt{Signal: syscall.SIGINT}}, 130},
		{[]error{&run.Interrupt{Signal: syscall.SIGHUP}}, 129},
		{[]error{partial, interrupt, dirty}, codeDirty},
	} {
		if got := exitCode(errors.Join(row.errs...)); got != row.want {
			t.Errorf("%v: exit %d, want %d", row.errs, got, row.want)
		}
	}
}
