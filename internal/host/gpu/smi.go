package gpu

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// callLimit bounds one query. nvidia-smi takes a second with eight GPUs, some ten where
// the driver has to be loaded, and hangs with a wedged driver.
const callLimit = 20 * time.Second

// SMI queries the driver through nvidia-smi.
type SMI struct {
	// Run runs nvidia-smi with arguments and returns its stdout and stderr together, and
	// its exit code. It must end when ctx does.
	Run func(ctx context.Context, args ...string) (output string, code int, err error)
	// Limit of one query; 0 is 20 s, which is also the maximum.
	Limit time.Duration
}

// errField is the cause where nvidia-smi does not have a field of the query.
var errField = errors.New("a field that this nvidia-smi does not have")

// State queries devices and compute processes. The error is an *UnknownError: nvidia-smi
// hangs, fails, or prints something else.
func (m SMI) State(ctx context.Context) (s State, err error) {
	// The first name is that of driver 535, the second an older one, some have neither.
	for _, field := range []string{",clocks_event_reasons.active", ",clocks_throttle_reasons.active", ""} {
		err = m.query(ctx, "gpu="+deviceFields+field, func(text string) (explained bool, err error) {
			s.Devices, s.Trouble, err = ParseDevices(text)
			return len(s.Trouble) > 0, err
		})
		if !errors.Is(err, errField) {
			break
		}
	}
	if err != nil || len(s.Devices) == 0 {
		return s, err
	}
	err = m.query(ctx, "compute-apps="+processFields, func(text string) (explained bool, err error) {
		s.Processes, err = ParseProcesses(text)
		return len(s.Trouble) > 0, err
	})
	return s, err
}

// query runs one query. An exit code other than 0 is a failure, unless the answer is
// complete and explains it, as for a lost GPU.
func (m SMI) query(ctx context.Context, query string, read func(text string) (explained bool, err error)) error {
	text, code, err := m.run(ctx, "--query-"+query, "--format=csv,noheader,nounits")
	if err != nil {
		return &UnknownError{Cause: err}
	}
	explained, err := read(text)
	switch {
	case code != 0 && strings.Contains(text, "is not a valid field"):
		err = fmt.Errorf("%w: %.300q", errField, strings.Join(lines(text), "; "))
	case code != 0 && (err != nil || !explained):
		err = fmt.Errorf("exit %d, output %.300q", code, strings.Join(lines(text), "; "))
	}
	if err != nil {
		return &UnknownError{Cause: err}
	}
	return nil
}

// run is Run within the limit.
func (m SMI) run(ctx context.Context, args ...string) (text string, code int, err error) {
	limit := callLimit
	if m.Limit > 0 {
		limit = min(limit, m.Limit)
	}
	late := fmt.Errorf("no answer within %s", limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	text, code, err = m.Run(ctx, args...)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = late
	}
	return text, code, err
}

// Links is the matrix that nvidia-smi topo -m prints.
func (m SMI) Links(ctx context.Context) (matrix string, err error) {
	matrix, code, err := m.run(ctx, "topo", "-m")
	if err == nil && code != 0 {
		err = fmt.Errorf("exit %d, output %.300q", code, strings.Join(lines(matrix), "; "))
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the links between the GPUs (nvidia-smi topo -m): %w", err)
	}
	return matrix, nil
}

// UnknownError reports that nvidia-smi gave no reliable answer.
type UnknownError struct{ Cause error }

func (e *UnknownError) Error() string {
	next := "\"nvidia-smi\" by hand and \"dmesg | grep -i NVRM\" show more"
	if strings.Contains(e.Cause.Error(), "Driver/library version mismatch") {
		next = "the driver was updated while its old kernel module is loaded: restart this machine"
	}
	return fmt.Sprintf("GPUs unknown: cannot query nvidia-smi: %v; %s", e.Cause, next)
}

func (e *UnknownError) Unwrap() error { return e.Cause }
