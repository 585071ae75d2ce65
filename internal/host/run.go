package host

import (
	"context"
	"fmt"
	"os"

	"topobench/internal/text"
)

// outputBytes bounds the output that Run returns.
const outputBytes = 1 << 20

// Run runs a short command to its end. It returns the first MiB that the command added to
// spec.Log, and how it ended. An exit code is no error. When ctx ends the command is
// killed, and the error is the cause of ctx.
func (s Starter) Run(ctx context.Context, spec Spec) (output []byte, exit Exit, err error) {
	var before int64
	if info, err := os.Stat(spec.Log); err == nil {
		before = info.Size()
	}
	c, err := s.Start(spec)
	if err != nil {
		return nil, Exit{}, err
	}
	select {
	case <-c.Done():
	case <-ctx.Done():
		err = fmt.Errorf("cannot wait for %s any longer: %w", spec.Name, context.Cause(ctx))
	}
	if left := c.Stop(ctx); left != nil {
		return nil, c.Exit(), left
	}
	output, readErr := text.Added(spec.Log, before, outputBytes)
	if readErr != nil {
		readErr = fmt.Errorf("cannot read the output of a command: %w", readErr)
	}
	if err == nil {
		err = readErr
	}
	return output, c.Exit(), err
}
