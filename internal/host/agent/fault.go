package agent

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"syscall"

	"topobench/internal/host"
)

// fault is an error on the wire. The other side makes an error of it for which errors.Is and errors.AsType hold as
// they did here.
type fault struct {
	Text  string           `json:"text"`
	Errno syscall.Errno    `json:"errno,omitempty"`
	Is    []string         `json:"is,omitempty"` // names of sentinels
	Start *startFault      `json:"start,omitempty"`
	Taken *host.TakenError `json:"taken,omitempty"`
	DNS   *net.DNSError    `json:"dns,omitempty"` // a name that was not resolved
}

// startFault is a *host.StartError.
type startFault struct {
	Name  string   `json:"name"`
	Argv  []string `json:"argv"`
	Cause *fault   `json:"cause"`
}

type sentinel struct {
	name string
	err  error
}

// sentinels are the errors that a caller of a host may compare with.
func sentinels() []sentinel {
	return []sentinel{
		{"not-exist", fs.ErrNotExist}, {"exist", fs.ErrExist}, {"permission", fs.ErrPermission},
		{"process-done", os.ErrProcessDone},
		{"deadline", os.ErrDeadlineExceeded}, {"unsupported", errors.ErrUnsupported},
		{"eof", io.EOF}, {"canceled", context.Canceled}, {"deadline-exceeded", context.DeadlineExceeded},
	}
}

// faultOf encodes an error; nil for none.
func faultOf(err error) *fault {
	if err == nil {
		return nil
	}
	f := &fault{Text: err.Error()}
	f.Errno, _ = errors.AsType[syscall.Errno](err)
	for _, s := range sentinels() {
		if errors.Is(err, s.err) {
			f.Is = append(f.Is, s.name)
		}
	}
	f.Taken, _ = errors.AsType[*host.TakenError](err)
	if e, is := errors.AsType[*net.DNSError](err); is {
		dns := *e
		dns.UnwrapErr = nil // an interface, which JSON cannot decode
		f.DNS = &dns
	}
	if e, is := errors.AsType[*host.StartError](err); is {
		f.Start = &startFault{Name: e.Name, Argv: e.Argv, Cause: faultOf(e.Err)}
	}
	return f
}

// error decodes a fault; nil for none.
func (f *fault) error() error {
	if f == nil {
		return nil
	}
	e := &remoteError{text: f.Text}
	for _, s := range sentinels() {
		if slices.Contains(f.Is, s.name) {
			e.causes = append(e.causes, s.err)
		}
	}
	if f.Errno != 0 {
		e.causes = append(e.causes, f.Errno)
	}
	if f.Taken != nil {
		e.causes = append(e.causes, f.Taken)
	}
	if f.DNS != nil {
		e.causes = append(e.causes, f.DNS)
	}
	if f.Start != nil {
		cause := f.Start.Cause.error()
		if cause == nil {
			cause = errors.New(f.Text)
		}
		e.causes = append(e.causes, &host.StartError{Name: f.Start.Name, Argv: f.Start.Argv, Err: cause})
	}
	return e.plain()
}

// remoteError is an error of the other side.
type remoteError struct {
	text   string
	causes []error
}

func (e *remoteError) Error() string   { return e.text }
func (e *remoteError) Unwrap() []error { return e.causes }

// Timeout reports that a deadline has passed, as net.Error does.
func (e *remoteError) Timeout() bool {
	return slices.ContainsFunc(e.causes, func(cause error) bool {
		late, is := cause.(interface{ Timeout() bool })
		return is && late.Timeout()
	})
}

// plain is the cause that has the same text, such as the *host.StartError itself; else e.
func (e *remoteError) plain() error {
	for _, cause := range slices.Backward(e.causes) {
		if cause.Error() == e.text {
			return cause
		}
	}
	return e
}
