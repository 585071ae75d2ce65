package gpu

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// callLimit bounds one question. nvidia-smi takes a second with eight GPUs, some
// ten where the driver has to be loaded, and forever with a wedged driver.
const callLimit = 20 * time.Second

// Asker asks the driver.
type SMI struct {
	// Run runs nvidia-smi with arguments and returns what it wrote, stdout and
	// stderr alike, and its exit code. It must end when ctx does.
	Run func(ctx context.Context, args ...string) (output string, code int, err error)
	// Limit of one question; 0 is callLimit, and more is not taken.
	Limit time.Duration
}

// State asks for devices and compute processes. The error says that the GPUs are
// unknown: nvidia-smi hangs, fails or talks nonsense.
func (a SMI) State(ctx context.Context) (State, error) {
	var s State
	err := a.query(ctx, "gpu="+deviceFields, func(text string) (said bool, err error) {
		s.Devices, s.Trouble, err = ParseDevices(text)
		return len(s.Trouble) > 0, err
	})
	if err != nil || len(s.Devices) == 0 {
		return s, err
	}
	err = a.query(ctx, "compute-apps="+processFields, func(text string) (said bool, err error) {
		s.Processes, err = ParseProcesses(text)
		return len(s.Trouble) > 0, err
	})
	return s, err
}

// Slowed says by index why devices are slowed down at this moment. The field was
// clocks_throttle_reasons before driver 535.
func (a SMI) Slowed(ctx context.Context) (slowed map[int][]string, err error) {
	for _, field := range []string{"clocks_event_reasons.active", "clocks_throttle_reasons.active"} {
		err = a.query(ctx, "gpu=index,"+field, func(text string) (said bool, err error) {
			slowed, err = ParseSlowed(text)
			return false, err
		})
		if err == nil {
			return slowed, nil
		}
	}
	return nil, err
}

// ask puts one question. An exit code other than 0 is a failure, except where the
// answer is whole and says itself what is wrong: so it is with a lost GPU.
func (a SMI) query(ctx context.Context, query string, read func(text string) (said bool, err error)) error {
	limit := callLimit
	if a.Limit > 0 {
		limit = min(limit, a.Limit)
	}
	late := fmt.Errorf("it has not answered within %s", limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	text, code, err := a.Run(ctx, "--query-"+query, "--format=csv,noheader,nounits")
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = late
		}
		return &UnknownError{Cause: err}
	}
	said, err := read(text)
	if code != 0 && (err != nil || !said) {
		err = fmt.Errorf("it ended with %d and says %.300q", code, strings.TrimSpace(text))
	}
	if err != nil {
		return &UnknownError{Cause: err}
	}
	return nil
}

// UnknownError says that nvidia-smi gave no answer that can be relied on.
type UnknownError struct{ Cause error }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("GPUs unknown: cannot ask nvidia-smi: %v; \"nvidia-smi\" by hand and \"dmesg | grep -i NVRM\" show more", e.Cause)
}

func (e *UnknownError) Unwrap() error { return e.Cause }
