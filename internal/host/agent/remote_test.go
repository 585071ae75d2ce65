package agent_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
)

var errNoRoute = errors.New("no route to host")

// redial is a dialer to agents in memory.
type redial struct {
	t      testing.TB
	server agent.Server
	takes  time.Duration // each
	wires  []*wire
	dials  int

	mu    sync.Mutex
	fault error // until it is nil
}

func (r *redial) fail(fault error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = fault
}

func (r *redial) dial(ctx context.Context, recovers bool) (*agent.Client, error) {
	if r.dials++; !recovers {
		r.t.Error("a lost connection is made again without a recovery")
	}
	select {
	case <-time.After(r.takes):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	r.mu.Lock()
	fault := r.fault
	r.mu.Unlock()
	if fault != nil {
		return nil, fault
	}
	c, w := connect(r.t, r.server)
	r.wires = append(r.wires, w)
	return c, nil
}

func remote(t testing.TB) (*agent.Remote, *wire, *redial, *machine) {
	s, _, m := scripted()
	c, w := connect(t, s)
	again := &redial{t: t, server: s}
	return agent.NewRemote(c, again.dial, 45*time.Second), w, again, m
}

func TestOneRecoveryServesAllStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w, again, m := remote(t)
		again.takes = 3 * time.Second
		ctx := context.Background()
		release, err := r.Claim(ctx, []host.Resource{{Key: "gpu-0", Name: "GPU 0"}})
		if err != nil {
			t.Fatal(err)
		}
		var children []host.Handle
		for range 5 {
			children = append(children, start(t, r, spec("decode", "linger")))
		}
		lost := r.Context()
		w.cut()
		<-lost.Done()
		isLost(t, context.Cause(lost))
		isLost(t, r.Put(ctx))
		begin := time.Now()
		var all sync.WaitGroup
		for _, child := range children {
			all.Go(func() {
				if err := child.Stop(ctx); err != nil {
					t.Error(err)
				}
				if open(child.Done()) || open(child.Gone()) || child.Exit().At.IsZero() || !child.Exit().Stopped {
					t.Errorf("%v", child.Exit())
				}
			})
		}
		all.Wait()
		if again.dials != 1 || time.Since(begin) != again.takes {
			t.Errorf("%d recoveries took %v", again.dials, time.Since(begin))
		}
		if r.Context().Err() != nil || !m.holds("gpu-0") {
			t.Error("there is no new connection, or it holds no claim")
		}
		if release(); m.holds("gpu-0") {
			t.Error("a claim is not released on the new connection")
		}
		child := start(t, r, spec("decode-1", "linger"))
		if err := child.Stop(ctx); err != nil {
			t.Error(err)
		}
		if left, err := r.Close(ctx); err != nil || len(left) > 0 || again.dials != 1 {
			t.Errorf("%q %v", left, err)
		}
	})
}

func TestAnotherRunMayGetTheClaimsOfALostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w, again, m := remote(t)
		gpu := []host.Resource{{Key: "gpu-0", Name: "GPU 0"}}
		if _, err := r.Claim(context.Background(), gpu); err != nil {
			t.Fatal(err)
		}
		child := start(t, r, spec("decode", "linger"))
		w.cut()
		<-w.served
		if _, err := m.Claim(context.Background(), gpu); err != nil {
			t.Fatal(err)
		}
		if err := child.Stop(context.Background()); err != nil || again.dials != 1 {
			t.Errorf("its tree is gone: %v", err)
		}
		_, err := r.Start(spec("decode", "linger"))
		if taken, is := errors.AsType[*host.TakenError](err); !is || taken.Name != "GPU 0" {
			t.Errorf("%v", err)
		}
		if _, err := r.Left(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestAFailedRecoveryStaysFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w, again, _ := remote(t)
		again.fail(errNoRoute)
		again.takes = 3 * time.Second // the last attempt is cut short, and shows nothing
		child, other := start(t, r, spec("decode", "linger")), start(t, r, spec("prefill", "linger"))
		w.cut()
		<-w.served
		begin := time.Now()
		if r.Lost() {
			t.Error("it is given up before its recovery")
		}
		err := child.Stop(context.Background())
		isLost(t, err)
		if !r.Lost() {
			t.Error("it is not given up")
		}
		if took := time.Since(begin); took < 45*time.Second || took > 48*time.Second || !errors.Is(err, errNoRoute) ||
			!strings.Contains(err.Error(), "the connection has ended") {
			t.Errorf("%v after %v", err, took)
		}
		if open(child.Gone()) || open(other.Gone()) || !open(child.Done()) || !child.Exit().At.IsZero() {
			t.Error("a child that is out of reach has no exit, and is not waited for")
		}
		again.fail(nil)
		begin = time.Now()
		isLost(t, other.Stop(context.Background()))
		_, err = r.Left(context.Background())
		isLost(t, err)
		_, err = r.Close(context.Background())
		isLost(t, err)
		if time.Since(begin) > 0 {
			t.Errorf("each wave of a teardown waits again: %v", time.Since(begin))
		}
	})
}

func TestARecoveryGoesOnUntilTheLinkIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w, again, _ := remote(t)
		again.fail(errNoRoute)
		child := start(t, r, spec("decode", "linger"))
		w.cut()
		time.AfterFunc(40*time.Second, func() { again.fail(nil) })
		if err := child.Stop(context.Background()); err != nil || again.dials < 30 || r.Lost() {
			t.Errorf("%v after %d dials, lost: %t", err, again.dials, r.Lost())
		}
	})
}

func TestAStopWithoutGraceLimitsTheRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w, again, _ := remote(t)
		again.takes = time.Hour
		child := start(t, r, spec("decode", "linger"))
		w.there.shut() // it is not known yet that the connection is lost
		w.back.shut()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		begin := time.Now()
		isLost(t, child.Stop(ctx))
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("it took %v", took)
		}
		w.there.reopenAll(w.back)
		<-w.served
	})
}

// Without children there is no Stop; the teardown checks recover the connection.
func TestTeardownChecksRecoverAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w, again, _ := remote(t)
		w.cut()
		<-r.Context().Done()
		if _, err := r.Remove(context.Background()); err != nil {
			t.Error(err)
		}
		if err := r.Recover(context.Background()); err != nil || again.dials != 1 {
			t.Errorf("%v", err)
		}
		again.wires[0].cut()
		<-r.Context().Done()
		if left, err := r.Close(context.Background()); err != nil || len(left) > 0 || again.dials != 2 {
			t.Errorf("%q %v", left, err)
		}
		if _, err := r.Left(context.Background()); err == nil || again.dials != 2 {
			t.Error("a closed host is dialled again")
		}
	})
}

// Each child takes as long as its host's number of seconds. The slowest determines how long the stop takes.
func TestTenHostsStopAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var children []host.Handle
		var wires []*wire
		for _, delay := range []string{"1s", "2s", "3s", "4s", "5s", "6s", "7s", "8s", "9s", "10s"} {
			r, w, _, _ := remote(t)
			wires = append(wires, w)
			w.there.perSecond, w.back.perSecond = 1<<20, 1<<20
			for range 3 {
				children = append(children, start(t, r, spec("decode", "linger", delay)))
			}
		}
		begin := time.Now()
		var all sync.WaitGroup
		for _, child := range children {
			all.Go(func() {
				if err := child.Stop(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		took := time.Since(begin)
		if took > 12*time.Second {
			t.Errorf("%v, more than 1.2 times the slowest", took)
		}
		for _, w := range wires {
			w.cut()
		}
		pause(time.Minute) // of the slow writers
		t.Logf("%v for ten hosts, of which the slowest takes 10s", took)
	})
}
