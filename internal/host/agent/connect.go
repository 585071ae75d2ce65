package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"topobench/internal/text"
)

// Limits of a banner before the hello.
const (
	bannerLines = 10_000
	bannerShown = 5 // lines of an error
)

// Five pings show the clock of the agent; slow connections have fewer.
const (
	pings       = 5
	pingsWithin = 250 * time.Millisecond
)

// helloKey is in the first line of an agent, and in no banner.
var helloKey = []byte(`{"topobench_agent":`)

// Connect waits for the hello of the agent and measures its clock. The connection outlives ctx. After an error it is
// ended.
func Connect(ctx context.Context, name string, grace time.Duration, conn Conn) (*Client, error) {
	c := newClient(name, grace, conn)
	greeted := make(chan error, 1)
	go c.read(newReader(conn.Out), greeted)
	select {
	case err := <-greeted:
		if err != nil {
			return nil, c.unreachable(err)
		}
	case <-ctx.Done():
		return nil, c.unreachable(fmt.Errorf("no agent has started there: %w", context.Cause(ctx)))
	}
	go c.out.write(conn.In, c.lose)
	go c.watch(c.ctx, c.lose)
	if err := c.measure(ctx); err != nil {
		return nil, c.unreachable(err)
	}
	return c, nil
}

// unreachable ends a connection that has not become one.
func (c *Client) unreachable(err error) error {
	c.lose(err)
	<-c.ctx.Done()
	if lost, is := errors.AsType[*LostError](context.Cause(c.ctx)); is {
		err = lost.Err // with what ssh or srun printed
	}
	return fmt.Errorf("cannot connect to %s: %w", c.name, err)
}

// read reads the hello, and then what the agent sends, until the connection ends.
func (c *Client) read(r *reader, greeted chan<- error) {
	hello, err := readHello(r)
	c.hello = hello
	greeted <- err
	for err == nil {
		var f frame
		if f, err = r.next(c.hear); err == nil {
			c.dispatch(f)
		}
	}
	if isEnd(err) {
		err = &endError{errors.New("the connection has ended")}
	}
	c.lose(err)
}

// readHello skips the banner of a login.
func readHello(r *reader) (h Hello, err error) {
	var banner []string
	for range bannerLines {
		line, err := r.line()
		if err != nil {
			return Hello{}, noHello(banner, err)
		}
		at := bytes.Index(line, helloKey)
		if at < 0 {
			banner = append(banner[max(0, len(banner)-bannerShown+1):], text.Line(string(line), 200))
			continue
		}
		if err := json.Unmarshal(line[at:], &h); err != nil {
			return Hello{}, fmt.Errorf("cannot read the hello of the agent: %w", err)
		}
		if h.Protocol != Version {
			return Hello{}, fmt.Errorf("its agent is of topobench %s, protocol %d; this topobench has protocol %d: "+
				"use one binary on all hosts", h.Release, h.Protocol, Version)
		}
		return h, nil
	}
	return Hello{}, noHello(banner, fmt.Errorf("%d lines came before it", bannerLines))
}

// noHello is the error of a connection without a hello, with what it had instead.
func noHello(banner []string, err error) error {
	shown := strings.TrimSpace(strings.Join(banner, " | "))
	if shown != "" {
		shown = "; it printed: " + shown
	}
	if isEnd(err) {
		return &endError{fmt.Errorf("the connection ended before an agent started%s", shown)}
	}
	return fmt.Errorf("no agent has started: %w%s", err, shown)
}

// isEnd reports whether input has ended, at either side.
func isEnd(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, os.ErrClosed} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// measure compares the clocks. The ping with the shortest way there and back has the smallest error.
func (c *Client) measure(ctx context.Context) error {
	begin, best := time.Now(), time.Duration(0)
	for i := 0; i < pings && (i == 0 || time.Since(begin) < pingsWithin); i++ {
		sent := time.Now()
		theirs, err := call[int64](ctx, c, callClock, none{})
		if err != nil {
			return err
		}
		if way := time.Since(sent); i == 0 || way < best {
			best, c.offset = way, time.Unix(0, theirs).Sub(sent.Add(way/2))
		}
	}
	return nil
}
