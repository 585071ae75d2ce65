package agent_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
)

// Whatever ends the connection, the agent stops everything, and the client's calls and context end.
func TestLossOfTheConnection(t *testing.T) {
	for name, row := range map[string]struct {
		lose   func(w *wire)
		reason string        // of the agent
		within time.Duration // until the agent has ended
		client string        // the client's reason
		// reports: the agent can still report that a child is gone.
		reports bool
	}{
		"ssh is killed":        {func(w *wire) { w.cut() }, "its input has ended", 5 * time.Second, "the connection has ended", false},
		"ssh explains its end": {func(w *wire) { w.printed = errors.New("no route to host"); w.cut() }, "its input has ended", 5 * time.Second, "no route to host", false},
		"SIGTERM":              {func(w *wire) { w.stop() }, "the signal 15", 5 * time.Second, "its agent ends: the signal 15", true},
		"the client is silent": {func(w *wire) { w.there.shut() }, "no sign of topobench for 30s", 42 * time.Second, "its agent ends: no sign of topobench for 30s", true},
		// Both sides notice it at the same time; the client's end may reach the agent first.
		"the network is cut": {func(w *wire) { w.there.shut(); w.back.shut() }, "the agent ends: ", 42 * time.Second,
			"no sign of its agent for 30s", false},
		"the agent is silent": {func(w *wire) { w.back.shut() }, "its input has ended", 42 * time.Second, "no sign of its agent for 30s", false},
		"garbage":             {func(w *wire) { _, _ = io.WriteString(w.raw, "Segmentation fault\n") }, "Segmentation fault", 5 * time.Second, "Segmentation fault", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _, m := scripted()
				c, w := connect(t, s)
				stubborn := start(t, c, spec("decode-0", "linger", "1h"))
				if _, err := c.Claim(context.Background(), []host.Resource{{Key: "gpu-0"}}); err != nil {
					t.Fatal(err)
				}
				running := make(chan error, 1)
				go func() {
					_, _, err := c.Run(context.Background(), spec("probe", "linger", "1h"))
					running <- err
				}()
				synctest.Wait()
				begin := time.Now()
				row.lose(w)
				err := <-w.served
				if took := time.Since(begin); took > row.within || !strings.Contains(err.Error(), row.reason) {
					t.Errorf("the agent ended after %v: %v", took, err)
				}
				if m.holds("gpu-0") {
					t.Error("a claim is held")
				}
				<-c.Context().Done()
				if took := time.Since(begin); took > 42*time.Second {
					t.Errorf("the client waited for %v", took)
				}
				isLost(t, <-running)
				isLost(t, context.Cause(c.Context()))
				if cause := context.Cause(c.Context()).Error(); !strings.Contains(cause, row.client) {
					t.Errorf("%s, want %q", cause, row.client)
				}
				begin = time.Now()
				if !row.reports {
					isLost(t, stubborn.Stop(context.Background()))
				} else if err := stubborn.Stop(context.Background()); err != nil || stubborn.Exit().Signal != syscall.SIGKILL {
					t.Errorf("%v %v", err, stubborn.Exit())
				}
				isLost(t, c.Put(context.Background()))
				_, err = c.Start(spec("decode-1", "linger"))
				isLost(t, err)
				if time.Since(begin) > 0 || open(stubborn.Gone()) == row.reports || open(stubborn.Done()) == row.reports {
					t.Error("a lost client waits, or reports a child as gone")
				}
				w.there.reopenAll(w.back)
				pause(2 * time.Hour) // the stubborn goroutines
			})
		})
	}
}

// An agent that ends by itself gives its children 5 s, and reports each as soon as it is gone.
func TestAStopUnderWayWhileTheAgentEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := scripted()
		c, w := connect(t, s)
		var all sync.WaitGroup
		for _, limit := range []time.Duration{time.Second, 4 * time.Second, time.Minute} {
			child := start(t, c, spec("decode-0", "linger", limit.String()))
			all.Go(func() {
				begin := time.Now()
				err := child.Stop(context.Background())
				want := "stopped with exit 0"
				if limit > 5*time.Second {
					limit, want = 5*time.Second, "stopped by signal 9"
				}
				if took := time.Since(begin); err != nil || took != limit || child.Exit().String() != want {
					t.Errorf("%v: %v, %v after %v", limit, err, child.Exit(), took)
				}
			})
		}
		synctest.Wait()
		w.stop()
		<-c.Context().Done()
		isLost(t, context.Cause(c.Context()))
		all.Wait()
		<-w.served
		pause(time.Hour)
	})
}

// reopenAll lets the goroutines end that write to a cut connection.
func (v *valve) reopenAll(more ...*valve) {
	for _, v := range append(more, v) {
		v.mu.Lock()
		if open(v.open) {
			close(v.open)
		}
		v.mu.Unlock()
	}
}

func TestAnInterruptionOfTheNetworkIsSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := scripted()
		c, w := connect(t, s)
		child := start(t, c, spec("decode-0", "linger"))
		for range 20 {
			w.there.shut()
			w.back.shut()
			pause(20 * time.Second)
			w.there.reopen()
			w.back.reopen()
			pause(10 * time.Second)
		}
		if err := child.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// An idle connection lives as long as both sides do.
func TestHeartbeatsKeepAnIdleConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := scripted()
		c, _ := connect(t, s)
		pause(time.Hour)
		if err := c.Put(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// At 48 KiB/s the transfers take longer than the grace. A stop must not wait for them.
func TestTransfersDelayNoHeartbeatAndNoStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := scripted()
		c, w := connect(t, s)
		ctx := context.Background()
		if err := c.Put(ctx, host.File{Path: "/log", Data: make([]byte, 2<<20)}); err != nil {
			t.Fatal(err)
		}
		child := start(t, c, spec("decode-0", "linger"))
		w.there.perSecond, w.back.perSecond = 48<<10, 48<<10
		begin := time.Now()
		var all sync.WaitGroup
		all.Go(func() {
			if data, err := c.Get(ctx, "/log", 0, 2<<20); err != nil || len(data) != 2<<20 {
				t.Errorf("%d bytes, %v", len(data), err)
			}
		})
		all.Go(func() {
			if err := c.Put(ctx, host.File{Path: "/data", Data: make([]byte, 2<<20)}); err != nil {
				t.Error(err)
			}
		})
		pause(10 * time.Second)
		stopping := time.Now()
		if err := child.Stop(ctx); err != nil || time.Since(stopping) > 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(stopping))
		}
		all.Wait()
		if took := time.Since(begin); took < 40*time.Second {
			t.Errorf("the transfers took %v, which shows nothing", took)
		}
		w.cut()
		pause(time.Minute) // of the slow writers
	})
}

func TestCancelledCallsEndThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, h, m := scripted()
		m.slow = 10 * time.Second
		c, _ := connect(t, s)
		impatient := errors.New("impatient")
		ctx, cancel := context.WithTimeoutCause(context.Background(), 3*time.Second, impatient)
		defer cancel()
		begin := time.Now()
		if _, err := c.Claim(ctx, []host.Resource{{Key: "gpu-0"}}); !errors.Is(err, impatient) || time.Since(begin) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		pause(20 * time.Second)
		if m.holds("gpu-0") {
			t.Error("a claim without an owner is held")
		}
		ctx, cancel = context.WithTimeoutCause(context.Background(), 3*time.Second, impatient)
		defer cancel()
		if _, _, err := c.Run(ctx, spec("probe", "linger", "1h")); !errors.Is(err, impatient) || !strings.Contains(err.Error(), "probe") {
			t.Errorf("%v", err)
		}
		if found, err := h.Look(context.Background(), host.Question{Processes: true}); err != nil || len(found.Processes) > 0 {
			t.Errorf("the command still runs: %v, %v", found.Processes, err)
		}
		pause(time.Hour)
	})
}

func TestGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, m := scripted()
		m.left = []string{"process 5 (python)"}
		c, w := connect(t, s)
		child := start(t, c, spec("decode-0", "linger", "20s"))
		if _, err := c.Claim(context.Background(), []host.Resource{{Key: "gpu-0"}}); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		left, err := c.Close(context.Background())
		if err != nil || len(left) != 1 || left[0] != "process 5 (python)" {
			t.Errorf("%q %v", left, err)
		}
		if err := <-w.served; err != nil || time.Since(begin) != 20*time.Second {
			t.Errorf("%v after %v: a goodbye leaves the grace", err, time.Since(begin))
		}
		if child.Exit().String() != "stopped with exit 0" || m.holds("gpu-0") || strings.Join(m.events, " ") != "remove left" {
			t.Errorf("%v %q", child.Exit(), m.events)
		}
		if err := child.Stop(context.Background()); err != nil {
			t.Errorf("a child that is gone: %v", err)
		}
		isLost(t, c.Put(context.Background()))
	})
}

func TestAGoodbyeWithoutGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := scripted()
		c, w := connect(t, s)
		start(t, c, spec("decode-0", "linger", "1h"))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		begin := time.Now()
		if left, err := c.Close(ctx); err != nil || len(left) > 0 || time.Since(begin) > 0 {
			t.Errorf("%q %v after %v", left, err, time.Since(begin))
		}
		if err := <-w.served; err != nil {
			t.Error(err)
		}
		pause(time.Hour)
	})
}

// The agent's process may report with its exit that it could not remove its directory.
func TestAGoodbyeReturnsHowTheConnectionEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := scripted()
		c, w := connect(t, s)
		w.printed = errors.New("cannot remove /tmp/topobench-x")
		if _, err := c.Close(context.Background()); !errors.Is(err, w.printed) {
			t.Errorf("%v", err)
		}
	})
}

var _ agent.Host = (*agent.Remote)(nil)
var _ agent.Machine = (*agent.Remote)(nil)
