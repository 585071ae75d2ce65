package agent_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
)

// listen serves each connection in a goroutine of its own.
func listen(t testing.TB, serve func(conn *net.TCPConn)) (to string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn.(*net.TCPConn))
		}
	}()
	return l.Addr().String()
}

// echo returns what it gets, and ends when its client does.
func echo(conn *net.TCPConn) {
	_, _ = io.Copy(conn, conn)
	_ = conn.Close()
}

// halfCloser is a connection that can end its own direction.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

func dial(t testing.TB, c *agent.Client, to string) halfCloser {
	t.Helper()
	conn, err := c.DialContext(context.Background(), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(halfCloser)
}

func noise(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.Read(data) // never fails
	return data
}

// exchange sends data, ends its direction, and reads until the other one ends.
func exchange(conn halfCloser, data []byte) (back []byte, err error) {
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(data)
		sent <- errors.Join(err, conn.CloseWrite())
	}()
	back, err = io.ReadAll(conn)
	return back, errors.Join(err, <-sent)
}

func TestManyConnectionsThroughAnAgent(t *testing.T) {
	s, _, _ := scripted()
	c, _ := connect(t, s)
	to := listen(t, echo)
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			data := noise(i * 30_001)
			conn := dial(t, c, to)
			if back, err := exchange(conn, data); err != nil || !bytes.Equal(back, data) {
				t.Errorf("%d bytes came back of %d, %v", len(back), len(data), err)
			}
			if conn.RemoteAddr().String() != to {
				t.Errorf("it is connected to %v", conn.RemoteAddr())
			}
		})
	}
	all.Wait()
}

// A connection that nobody reads holds up neither heartbeats, nor calls, nor other connections; nothing of it is lost.
func TestASlowReaderHoldsUpOnlyItself(t *testing.T) {
	s, _, _ := scripted()
	s.Grace = 600 * time.Millisecond
	c, w := connect(t, s)
	w.back.perSecond = 40 << 20
	data := noise(2 << 20)
	push := listen(t, func(conn *net.TCPConn) {
		_, _ = conn.Write(data)
		_ = conn.Close()
	})
	slow := dial(t, c, push)
	for range 8 {
		fast, err := io.ReadAll(dial(t, c, push))
		if err != nil || !bytes.Equal(fast, data) {
			t.Fatalf("%d bytes, %v", len(fast), err)
		}
		if _, err := c.Look(t.Context(), host.Question{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Context().Err(); err != nil {
		t.Errorf("the client has ended: %v", context.Cause(c.Context()))
	}
	late, err := io.ReadAll(slow)
	if err != nil || !bytes.Equal(late, data) {
		t.Errorf("%d bytes, %v", len(late), err)
	}
}

// A server waits for a reader that takes nothing: its data fills no memory on the way.
func TestASlowReaderHoldsUpItsServer(t *testing.T) {
	s, _, _ := scripted()
	c, _ := connect(t, s)
	data, written := noise(24<<20), make(chan struct{})
	slow := dial(t, c, listen(t, func(conn *net.TCPConn) {
		_, _ = conn.Write(data)
		close(written)
		_ = conn.Close()
	}))
	to := listen(t, echo)
	for range 5 {
		if _, err := exchange(dial(t, c, to), data[:1<<20]); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-written:
		t.Error("the server has sent all of it")
	default:
	}
	all, err := io.ReadAll(slow)
	if err != nil || !bytes.Equal(all, data) {
		t.Errorf("%d bytes, %v", len(all), err)
	}
}

// A server that reads nothing blocks the writer, until its deadline.
func TestAWriterWaitsForItsServer(t *testing.T) {
	s, _, _ := scripted()
	c, _ := connect(t, s)
	open := make(chan struct{})
	defer close(open)
	conn := dial(t, c, listen(t, func(conn *net.TCPConn) { <-open; _ = conn.Close() }))
	if err := conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Write(make([]byte, 64<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n > 32<<20 {
		t.Errorf("%d bytes were sent, %v", n, err)
	}
}

func TestErrorsOfConnectionsAreThoseOfNet(t *testing.T) {
	s, _, _ := scripted()
	c, _ := connect(t, s)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := l.Addr().String()
	_ = l.Close()
	isDNS := func(err error) bool {
		e, is := errors.AsType[*net.DNSError](err)
		return is && e.IsNotFound
	}
	isLate := func(err error) bool {
		e, is := errors.AsType[net.Error](err)
		return is && e.Timeout() && errors.Is(err, context.DeadlineExceeded)
	}
	for _, row := range []struct {
		why, network, to string
		within           time.Duration
		is               func(error) bool
	}{
		{"nothing listens", "tcp", free, time.Minute, func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }},
		{"no such name", "tcp", "nothing.invalid:80", time.Minute, isDNS},
		{"no time", "tcp", free, time.Nanosecond, isLate},
		{"no TCP", "unix", "/run/x", time.Minute, func(err error) bool { e, is := errors.AsType[net.UnknownNetworkError](err); return is && e == "unix" }},
		{"no port", "tcp", "127.0.0.1", time.Minute, func(err error) bool { return err != nil }},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), row.within)
		_, err := c.DialContext(ctx, row.network, row.to)
		cancel()
		op, is := errors.AsType[*net.OpError](err)
		if !is || op.Op != "dial" || !row.is(err) {
			t.Errorf("%s: %#v: %v", row.why, err, err)
		}
	}
}

func TestDeadlinesOfAConnection(t *testing.T) {
	s, _, _ := scripted()
	c, _ := connect(t, s)
	conn := dial(t, c, listen(t, echo))
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Read(make([]byte, 1))
	if late, is := errors.AsType[net.Error](err); !is || !late.Timeout() {
		t.Errorf("got %v", err)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if back, err := exchange(conn, []byte("word")); err != nil || string(back) != "word" {
		t.Errorf("%q, %v", back, err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// What was written before a close still arrives, and the server sees the end of a connection on which it waits.
func TestACloseReachesTheServer(t *testing.T) {
	s, _, _ := scripted()
	c, _ := connect(t, s)
	got := make(chan []byte, 1)
	data := noise(3 << 20)
	conn := dial(t, c, listen(t, func(conn *net.TCPConn) {
		all, _ := io.ReadAll(conn)
		got <- all
	}))
	_, err := conn.Write(data)
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	select {
	case all := <-got:
		if !bytes.Equal(all, data) {
			t.Errorf("%d bytes of %d", len(all), len(data))
		}
	case <-time.After(10 * time.Second):
		t.Error("the server waits")
	}
}

func TestAServerThatResetsAConnection(t *testing.T) {
	s, _, _ := scripted()
	c, _ := connect(t, s)
	conn := dial(t, c, listen(t, func(conn *net.TCPConn) {
		_, _ = io.ReadFull(conn, make([]byte, 4))
		_ = conn.SetLinger(0)
		_ = conn.Close()
	}))
	if _, err := conn.Write([]byte("word")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
	var err error
	for range 1000 { // what the agent had taken before is no error
		if _, err = conn.Write(make([]byte, 64<<10)); err != nil {
			break
		}
	}
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
}

// However the client ends, its connections end too, on both machines.
func TestConnectionsEndWithTheirClient(t *testing.T) {
	for _, row := range []struct {
		how string
		end func(c *agent.Client, w *wire)
	}{
		{"the way is cut", func(_ *agent.Client, w *wire) { w.cut() }},
		{"a goodbye", func(c *agent.Client, _ *wire) { _, _ = c.Close(context.Background()) }},
		{"a signal to the agent", func(_ *agent.Client, w *wire) { w.stop() }},
	} {
		s, _, _ := scripted()
		c, w := connect(t, s)
		ended := make(chan struct{})
		conn := dial(t, c, listen(t, func(conn *net.TCPConn) {
			_, _ = conn.Write([]byte("x"))
			_, _ = io.Copy(io.Discard, conn)
			close(ended)
		}))
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		row.end(c, w)
		if n, _ := io.Copy(io.Discard, conn); n > 0 { // an agent that ends may close it in order
			t.Errorf("%s: %d bytes more", row.how, n)
		}
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Errorf("%s: the server's side stays", row.how)
		}
		<-c.Context().Done()
		if _, err := conn.Write([]byte("x")); err == nil {
			t.Errorf("%s: the connection takes data", row.how)
		}
		if _, err := c.DialContext(t.Context(), "tcp", "127.0.0.1:1"); err == nil {
			t.Errorf("%s: it dials", row.how)
		} else {
			isLost(t, err)
		}
	}
}

// A transport of package http works through the agent, and keeps its connections.
func TestHTTPThroughAnAgent(t *testing.T) {
	s, _, _ := scripted()
	c, _ := connect(t, s)
	var dialled atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		_, _ = w.Write(data)
	}))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		dialled.Add(1)
		return c.DialContext(ctx, network, to)
	}}}
	for i := range 20 {
		data := noise(i * 10_000)
		answer, err := client.Post(server.URL, "text/plain", bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		back, err := io.ReadAll(answer.Body)
		if _ = answer.Body.Close(); err != nil || !bytes.Equal(back, data) {
			t.Errorf("%d bytes of %d, %v", len(back), len(data), err)
		}
	}
	if n := dialled.Load(); n != 1 {
		t.Errorf("it has dialled %d times", n)
	}
}

// A request that its client gives up is given up by the server too.
func TestARequestThatIsGivenUp(t *testing.T) {
	s, _, _ := scripted()
	c, _ := connect(t, s)
	began, ended := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		close(ended)
	}))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{DialContext: c.DialContext}}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-began; cancel() }()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Do(request); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the server goes on")
	}
}
