package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"topobench/internal/host"
)

// text is the lines of messages.
func textOf(t testing.TB, frames ...frame) []byte {
	t.Helper()
	var all []byte
	for _, f := range frames {
		lines, err := f.lines()
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if len(line) > 2*pieceLimit+100 {
				t.Errorf("a line of %d bytes delays a heartbeat", len(line))
			}
			all = append(all, line...)
		}
	}
	return all
}

func TestFramesComeBackWhole(t *testing.T) {
	long, err := json.Marshal(strings.Repeat("é\"\\<\x00\n語", 100_000))
	if err != nil {
		t.Fatal(err)
	}
	sent := []frame{{Kind: kindBeat}, {ID: 1, Kind: callGet, Body: long}, {ID: 1, Kind: kindCancel},
		{ID: 2, Kind: kindAnswer, Fault: faultOf(io.EOF)}}
	r := newReader(bytes.NewReader(textOf(t, sent...)))
	for _, want := range sent {
		got, err := r.next(nil)
		if err != nil || got.ID != want.ID || got.Kind != want.Kind || !bytes.Equal(got.Body, want.Body) || (got.Fault == nil) != (want.Fault == nil) {
			t.Errorf("%v: %.80s, want %.80s", err, got.Body, want.Body)
		}
	}
	if _, err := r.next(nil); !errors.Is(err, io.EOF) || r.held != 0 {
		t.Errorf("%v, %d bytes are held", err, r.held)
	}
}

// endless repeats a text.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(to []byte) (n int, err error) {
	n = copy(to, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

func TestHostileInputIsBounded(t *testing.T) {
	piece := fmt.Sprintf(`{"id":7,"kind":"piece","piece":%q}`, strings.Repeat("x", 100_000))
	for name, row := range map[string]struct {
		in   io.Reader
		want string
	}{
		"a line without an end":     {&endless{text: strings.Repeat("x", 5000)}, "a line has more than 4 MiB"},
		"a message without an end":  {&endless{text: piece + "\n"}, "messages have more than 3 MiB"},
		"a truncated line":          {strings.NewReader(`{"kind":"be`), "unexpected EOF"},
		"a truncated message":       {strings.NewReader(`{"id":7,"kind":"piece","piece":"{\"kind\":"}` + "\n"), "EOF"},
		"pieces of pieces":          {strings.NewReader(`{"kind":"piece","piece":"{\"kind\":\"piece\"}","last":true}` + "\n"), "made of pieces"},
		"no JSON":                   {strings.NewReader("Welcome!\n"), `"Welcome!"`},
		"pieces of no message":      {strings.NewReader(`{"kind":"piece","piece":"Welcome!","last":true}` + "\n"), `"Welcome!"`},
		"an ID that is no number":   {strings.NewReader(`{"id":-1,"kind":"beat"}` + "\n"), "cannot read a message"},
		"incomplete without number": {hostileIDs(), "incomplete"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReader(row.in)
			r.limit = 3 << 20
			_, err := r.next(nil)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, want %q", err, row.want)
			}
		})
	}
}

func TestAMessageHasALimit(t *testing.T) {
	if _, err := (frame{Kind: callPut, Body: make([]byte, bodyLimit+1)}).lines(); err == nil || !strings.Contains(err.Error(), "60 MiB") {
		t.Errorf("%v", err)
	}
}

func hostileIDs() io.Reader {
	var b bytes.Buffer
	for id := range 20_000 {
		fmt.Fprintf(&b, `{"id":%d,"kind":"piece","piece":"x"}`+"\n", id)
	}
	return &b
}

// FuzzFrames gives both sides input of any kind. Neither may panic, hang, or hold more than its limits.
func FuzzFrames(f *testing.F) {
	hello := `{"topobench_agent":1,"release":"1.0"}` + "\n"
	for _, seed := range []string{
		"", "\n\n", hello, "Welcome to node1\n" + hello, "Last login: today " + hello, `{"topobench_agent":2,"release":"9"}` + "\n",
		hello + `{"id":1,"kind":"answer","body":5}` + "\n" + `{"id":1,"kind":"done","body":{}}` + "\n",
		hello + `{"id":1,"kind":"answer","fault":{"text":"x","errno":2,"is":["eof"],"start":{"name":"a"},"taken":{}}}` + "\n",
		`{"id":1,"kind":"start","body":{"Argv":["a"]}}` + "\n" + `{"id":1,"kind":"cancel"}` + "\n" + `{"id":2,"kind":"goodbye"}` + "\n",
		`{"id":1,"kind":"piece","piece":"{\"kind\":\"be"}` + "\n" + `{"id":1,"kind":"piece","piece":"at\"}","last":true}` + "\n",
		`{"id":1,"kind":"get","body":{"Path":"/","From":-9223372036854775808,"Limit":-1}}` + "\n", `{"kind":`, "\x00\xff", `{"id":18446744073709551616}` + "\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		for r := newReader(bytes.NewReader(input)); ; {
			if _, err := r.next(nil); err != nil {
				break
			}
			if r.held < 0 || r.held > messageLimit+64 {
				t.Fatalf("%d bytes are held", r.held)
			}
		}
		server := Server{Host: nowhere{}, Machine: nowhere{}, Inspect: func(context.Context, []byte) ([]byte, error) { return []byte("{}"), nil }}
		_ = Serve(t.Context(), server, bytes.NewReader(input), io.Discard)
		in, out := io.Pipe()
		go func() { _, _ = io.Copy(io.Discard, in) }()
		conn := Conn{In: out, Out: bytes.NewReader(input), End: func() error { return out.Close() }}
		if c, err := Connect(t.Context(), "node1", time.Minute, conn); err == nil {
			<-c.Context().Done()
		}
	})
}

// nowhere is a host and a machine on which nothing works.
type nowhere struct{}

var errNowhere = errors.New("nowhere")

func (nowhere) Start(host.Spec) (host.Handle, error) { return nil, errNowhere }
func (nowhere) Run(context.Context, host.Spec) ([]byte, host.Exit, error) {
	return nil, host.Exit{}, errNowhere
}
func (nowhere) Put(context.Context, ...host.File) error                   { return errNowhere }
func (nowhere) Get(context.Context, string, int64, int64) ([]byte, error) { return nil, errNowhere }
func (nowhere) Look(context.Context, host.Question) (host.Snapshot, error) {
	return host.Snapshot{}, errNowhere
}
func (nowhere) Claim(context.Context, []host.Resource) (release func(), err error) {
	return func() {}, nil
}
func (nowhere) Listen(context.Context, []string) (release func(), err error) { return func() {}, nil }
func (nowhere) Dial(context.Context, []string, time.Duration) (map[string]string, error) {
	return nil, errNowhere
}
func (nowhere) Remove(context.Context) (host.Removed, error) { return host.Removed{}, errNowhere }
func (nowhere) Left(context.Context) ([]string, error)       { return nil, errNowhere }
