package agent_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/testbed"
)

// machine is a scripted agent.Machine.
type machine struct {
	mu      sync.Mutex
	claimed map[string]bool
	left    []string
	removed host.Removed
	events  []string
	slow    time.Duration // of Claim and Remove
}

func (m *machine) note(event string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, event)
}

func (m *machine) holds(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.claimed[key]
}

func (m *machine) Claim(ctx context.Context, resources []host.Resource) (release func(), err error) {
	pause(m.slow)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.claimed == nil {
		m.claimed = map[string]bool{}
	}
	for _, r := range resources {
		if m.claimed[r.Key] {
			return nil, &host.TakenError{Name: r.Name, Holder: " (process 4711)"}
		}
	}
	for _, r := range resources {
		m.claimed[r.Key] = true
	}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, r := range resources {
			delete(m.claimed, r.Key)
		}
	}, nil
}

func (m *machine) Listen(ctx context.Context, addresses []string) (release func(), err error) {
	m.note("listen " + addresses[0])
	return func() { m.note("released " + addresses[0]) }, nil
}

func (m *machine) Dial(ctx context.Context, addresses []string, within time.Duration) (map[string]string, error) {
	return map[string]string{addresses[0]: "no route within " + within.String()}, nil
}

func (m *machine) Remove(ctx context.Context) (host.Removed, error) {
	pause(m.slow)
	m.note("remove")
	return m.removed, nil
}

func (m *machine) Left(ctx context.Context) ([]string, error) {
	m.note("left")
	return m.left, nil
}

// valve is a direction of the connection. Closed, it holds what is written; slow, it takes a second for perSecond bytes.
type valve struct {
	to        io.WriteCloser
	perSecond int

	mu   sync.Mutex
	open chan struct{} // closed when the valve is open
}

func newValve(to io.WriteCloser) *valve {
	v := &valve{to: to, open: make(chan struct{})}
	close(v.open)
	return v
}

func (v *valve) Write(data []byte) (int, error) {
	v.mu.Lock()
	open := v.open
	v.mu.Unlock()
	<-open
	if v.perSecond > 0 {
		pause(time.Duration(len(data)) * time.Second / time.Duration(v.perSecond))
	}
	return v.to.Write(data)
}

func (v *valve) Close() error { return v.to.Close() }

func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.open = make(chan struct{})
}

func (v *valve) reopen() {
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.open)
}

// wire is a connection in memory, with the agent at its end.
type wire struct {
	there, back *valve         // to the agent, and from it
	cut         func()         // ends the connection
	stop        func()         // is SIGTERM for the agent
	served      chan error     // what Serve returned
	printed     error          // what the connection's program has printed
	conn        agent.Conn     // for Connect
	raw         io.WriteCloser // to the agent, beside the client
}

// serve runs an agent in memory. At the end of the test its connection is closed.
func serve(t testing.TB, s agent.Server) *wire {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ctx, cancel := context.WithCancelCause(context.Background())
	w := &wire{there: newValve(inW), back: newValve(outW), served: make(chan error, 1), raw: inW}
	w.stop = func() { cancel(errors.New("the signal 15")) }
	w.cut = sync.OnceFunc(func() {
		_ = outR.Close() // first: an agent that reads the end could report it
		_ = inW.Close()
	})
	w.conn = agent.Conn{In: w.there, Out: outR, End: func() error {
		w.cut()
		return w.printed
	}}
	s.Hello.Protocol = agent.Version
	if s.Inspect == nil {
		s.Inspect = func(_ context.Context, question []byte) ([]byte, error) { return question, nil }
	}
	go func() {
		w.served <- agent.Serve(ctx, s, inR, w.back)
		_ = outW.Close() // its process has ended
	}()
	t.Cleanup(w.cut)
	return w
}

// connect is a client of an agent in memory.
func connect(t testing.TB, s agent.Server) (*agent.Client, *wire) {
	t.Helper()
	w := serve(t, s)
	c, err := agent.Connect(context.Background(), "node1", s.Grace, w.conn)
	if err != nil {
		t.Fatal(err)
	}
	return c, w
}

// lingering runs until it is stopped, and then for as long as its first argument says.
func lingering(ctx context.Context, spec host.Spec, log io.Writer) int {
	<-ctx.Done()
	if len(spec.Argv) > 1 {
		limit, err := time.ParseDuration(spec.Argv[1])
		if err != nil {
			return 2
		}
		pause(limit)
	}
	return 0
}

// scripted is a server on a host in memory.
func scripted() (agent.Server, *testbed.Scripted, *machine) {
	h := &testbed.Scripted{Programs: map[string]testbed.ScriptedProgram{
		"linger": lingering,
		"print": func(_ context.Context, spec host.Spec, log io.Writer) int {
			_, _ = io.WriteString(log, spec.Argv[1])
			return 3
		},
	}}
	m := &machine{}
	return agent.Server{Host: h, Machine: m, Grace: agent.DefaultGrace}, h, m
}

func spec(name string, argv ...string) host.Spec {
	return host.Spec{Name: name, Argv: argv, Env: []string{}, Log: "/logs/" + name, Grace: time.Minute}
}

func start(t testing.TB, h agent.Host, s host.Spec) host.Handle {
	t.Helper()
	child, err := h.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	return child
}

func open(c <-chan struct{}) bool {
	select {
	case <-c:
		return false
	default:
		return true
	}
}

func isLost(t testing.TB, err error) {
	t.Helper()
	lost, is := errors.AsType[*agent.LostError](err)
	if !is || lost.Host != "node1" {
		t.Errorf("%v is no LostError of node1", err)
	}
}

// pause waits on the clock of the test, which does not run while something works.
func pause(d time.Duration) { <-time.After(d) }
