package agent_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"topobench/internal/host/agent"
)

const goodHello = `{"topobench_agent":1,"release":"1.0","hostname":"gpu7","environ":["A=b"]}`

// play is a connection whose other end prints a text, and answers clock calls after delays with a clock that is ahead.
func play(t *testing.T, text string, ahead time.Duration, delays ...time.Duration) agent.Conn {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	t.Cleanup(func() { _, _ = inR.Close(), outW.Close() })
	go func() {
		_, _ = io.WriteString(outW, text)
		if len(delays) == 0 {
			_ = outW.Close()
		}
		for calls := bufio.NewScanner(inR); calls.Scan(); {
			var call struct {
				ID   uint64
				Kind string
			}
			if err := json.Unmarshal(calls.Bytes(), &call); err != nil || call.Kind != "clock" || len(delays) == 0 {
				continue
			}
			pause(delays[0])
			now := time.Now().Add(ahead)
			pause(delays[1])
			delays = delays[2:]
			fmt.Fprintf(outW, `{"id":%d,"kind":"answer","body":%d}`+"\n", call.ID, now.UnixNano())
		}
	}()
	return agent.Conn{In: inW, Out: outR, End: func() error { return errors.Join(inW.Close(), outR.Close()) }}
}

func TestTheClockOfTheFastestPingCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		conn := play(t, goodHello+"\n", time.Hour, 40*ms, 2*ms, 3*ms, 2*ms, 2*ms, 2*ms, 1*ms, 60*ms, 9*ms, 1*ms)
		c, err := agent.Connect(context.Background(), "node1", 0, conn)
		if err != nil || c.Offset() != time.Hour || c.Hello().Hostname != "gpu7" || c.Hello().Environ[0] != "A=b" {
			t.Fatalf("%v", err)
		}
	})
}

func TestASlowConnectionHasFewPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		c, err := agent.Connect(context.Background(), "node1", 0, play(t, goodHello+"\n", -time.Minute, 200*time.Millisecond, 100*time.Millisecond))
		if err != nil || c.Offset() != -time.Minute+50*time.Millisecond || time.Since(begin) > 300*time.Millisecond {
			t.Fatalf("%v after %v", err, time.Since(begin))
		}
	})
}

func TestAHelloAfterABanner(t *testing.T) {
	for name, banner := range map[string]string{
		"none": "", "lines": "Welcome to gpu7\n\n{\"motd\": 1}\n", "no line break": "Last login: today ", "an empty line": "\n",
		"many lines": strings.Repeat("module loaded\n", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, err := agent.Connect(context.Background(), "node1", 0, play(t, banner+goodHello+"\n", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
				if err != nil || c.Hello().Hostname != "gpu7" {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

func TestNoAgent(t *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"nothing":         {"", "the connection ended before an agent started"},
		"an error":        {"bash: topobench: command not found\n", "it printed: bash: topobench: command not found"},
		"half a hello":    {goodHello[:30], "before an agent started"},
		"another version": {`{"topobench_agent":2,"release":"9.9"}` + "\n", "topobench 9.9, protocol 2; this topobench has protocol 1: use one binary"},
		"a broken hello":  {`{"topobench_agent":"x"}` + "\n", "cannot read the hello"},
		"endless lines":   {strings.Repeat("y\n", 10_001), "10000 lines came before it; it printed: y"},
		"an endless line": {strings.Repeat("y", 5<<20), "a line has more than 4 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, err := agent.Connect(context.Background(), "node1", 0, play(t, row.text, 0))
				if c != nil || err == nil || !strings.Contains(err.Error(), row.want) || !strings.HasPrefix(err.Error(), "cannot connect to node1: ") {
					t.Errorf("%v, want %q", err, row.want)
				}
			})
		})
	}
}

func TestConnectEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(context.Background(), 10*time.Second, errors.New("no answer for 10s"))
		defer cancel()
		_, err := agent.Connect(ctx, "node1", 0, play(t, "Welcome\n", 0, 0, 0))
		if err == nil || !strings.Contains(err.Error(), "no answer for 10s") {
			t.Errorf("%v", err)
		}
	})
}

// ssh's own words are the reason if the connection ends by itself.
func TestTheProgramOfTheConnectionExplains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := play(t, "", 0)
		end := conn.End
		conn.End = func() error { return errors.Join(errors.New("permission denied (publickey)"), end()) }
		_, err := agent.Connect(context.Background(), "node1", 0, conn)
		if err == nil || err.Error() != "cannot connect to node1: permission denied (publickey)" {
			t.Errorf("%v", err)
		}
	})
}
