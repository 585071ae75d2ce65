package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// probesAtOnce bounds the connections that one Dial opens at the same time.
const probesAtOnce = 64

// Listen accepts connections on addresses, host:port, until release: a probe of the way to them. It listens on all of
// them or on none; the error names each that it could not have. After release a server can bind them at once.
func (l Local) Listen(ctx context.Context, addresses []string) (release func(), err error) {
	var held []net.Listener
	var accepting sync.WaitGroup
	ending, end := context.WithCancel(context.Background())
	release = func() {
		end()
		for _, l := range held {
			_ = l.Close() // only a second Close fails
		}
		accepting.Wait()
	}
	for _, address := range addresses {
		l, fault := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if fault != nil {
			err = errors.Join(err, fmt.Errorf("cannot listen on %s: %w", address, short(fault)))
			continue
		}
		held = append(held, l)
		accepting.Go(func() { accept(ending, l) })
	}
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// accept takes connections until l is closed, and ends them when the other side or ctx has ended. An earlier end could
// be an error of the dial.
func accept(ctx context.Context, l net.Listener) {
	var open sync.WaitGroup
	defer open.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		open.Go(func() {
			defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })() // an error: it has ended
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.(*net.TCPConn).SetLinger(0) // with a reset, which leaves no TIME_WAIT on the port
			_ = conn.Close()
		})
	}
}

// Dial connects to each address once, at most 64 at the same time. Faults has those that it could not reach, with the
// reason.
func (l Local) Dial(ctx context.Context, addresses []string, within time.Duration) (map[string]string, error) {
	faults := map[string]string{}
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan struct{}, probesAtOnce)
	for _, address := range addresses {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := reach(ctx, address, within); err != nil {
				mu.Lock()
				defer mu.Unlock()
				faults[address] = err.Error()
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return faults, nil
}

// reach opens a connection and closes it.
func reach(ctx context.Context, address string, within time.Duration) error {
	conn, err := (&net.Dialer{Timeout: within}).DialContext(ctx, "tcp", address)
	if err != nil {
		return short(err)
	}
	return conn.Close()
}

// short is the cause of a fault of the network, without the addresses that its caller names.
func short(err error) error {
	if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
		return errors.New("no answer")
	}
	if number, is := errors.AsType[syscall.Errno](err); is {
		return number
	}
	return err
}
