package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"topobench/internal/text"
)

// Piped is a child whose stdin and stdout are pipes of this process. Its log has only its stderr. As a child of a
// shepherd it is none of Leftovers, and it ends with this process.
type Piped struct {
	*Child
	In  io.WriteCloser
	Out io.ReadCloser
}

// Pipe starts a child with pipes at its stdin and stdout. The error is a *StartError.
func (s Starter) Pipe(spec Spec) (Piped, error) {
	in, toIn, err := os.Pipe()
	if err != nil {
		return Piped{}, &StartError{Name: spec.Name, Argv: spec.Argv, Err: err}
	}
	fromOut, out, err := os.Pipe()
	if err != nil {
		return Piped{}, &StartError{Name: spec.Name, Argv: spec.Argv, Err: errors.Join(err, in.Close(), toIn.Close())}
	}
	c, err := s.start(spec, in, out)
	// Only the child has these ends from now on. Nothing was written through them here.
	in.Close()
	out.Close()
	if err != nil {
		toIn.Close()
		fromOut.Close()
		return Piped{}, err
	}
	return Piped{Child: c, In: toIn, Out: fromOut}, nil
}

// Exchange runs a command to its end: it gets all of in, nil = nothing, and its stdout is returned, cut as that of
// Run. When ctx ends, the command is stopped.
func (s Starter) Exchange(ctx context.Context, spec Spec, in io.Reader) (stdout []byte, exit Exit, err error) {
	return s.exchange(ctx, spec, in, outputBytes)
}

// exchange returns at most limit bytes of the command's output.
func (s Starter) exchange(ctx context.Context, spec Spec, in io.Reader, limit int64) (stdout []byte, exit Exit,
	err error) {
	p, err := s.Pipe(spec)
	if err != nil {
		return nil, Exit{}, err
	}
	defer context.AfterFunc(ctx, func() { _ = p.Stop(ctx) })() // the last Stop returns the error
	fed := make(chan error, 1)
	go func() { // ends with the input, or when the child no longer reads
		var err error
		if in != nil {
			_, err = io.Copy(p.In, in)
		}
		fed <- errors.Join(err, p.In.Close())
	}()
	stdout, err = io.ReadAll(io.LimitReader(p.Out, limit))
	err = errors.Join(err, p.Out.Close())
	<-p.Done() // a stop of what is about to end would change its exit code
	err = errors.Join(err, p.Stop(ctx))
	feedErr := <-fed
	switch exit = p.Exit(); {
	case err != nil:
	case ctx.Err() != nil:
		err = fmt.Errorf("cannot wait for %s any longer: %w", spec.Name, context.Cause(ctx))
	case exit.Code == 0: // otherwise the command has a reason of its own for not reading
		err = feedErr
	}
	return stdout, exit, err
}

// Tool runs a short program of the system, such as scontrol, with the whole environment env.
func Tool(ctx context.Context, env []string, argv ...string) (stdout, stderr string, code int, err error) {
	return Feed(ctx, env, nil, outputBytes, argv...)
}

// Feed is Tool with an input, nil = none, and with a limit of its output in bytes.
func Feed(ctx context.Context, env []string, in io.Reader, limit int64, argv ...string) (stdout, stderr string,
	code int, err error) {
	file, log, err := Nameless("")
	if err != nil {
		return "", "", 0, fmt.Errorf("cannot keep the messages of %s: %w", argv[0], err)
	}
	out, exit, err := Starter{}.exchange(ctx, Spec{Name: argv[0], Argv: argv, Env: env, Log: log}, in, limit)
	messages, readErr := text.End(log, LogEnd)
	if err == nil {
		err = readErr
	}
	return string(out), string(messages), exit.Code, errors.Join(err, file.Close())
}
