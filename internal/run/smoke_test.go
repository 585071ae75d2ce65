package run

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/ui"
)

// smokeProber has a smoke test of its own.
type smokeProber struct {
	deploy.Prober
	smoke func(context.Context, plan.Smoke, aiperf.Load, func(string)) error
}

func (p smokeProber) Smoke(ctx context.Context, s plan.Smoke, l aiperf.Load, note func(string)) error {
	return p.smoke(ctx, s, l, note)
}

// Both sides must get one body: the load leaves nvext out only if the server refuses that.
func TestOnlyA400ForItDropsNVExt(t *testing.T) {
	refused := func(status int) error { return &deploy.RefusedError{Status: status, Answer: "unknown field"} }
	for _, row := range []struct {
		why            string
		with, without  error // the result of the smoke test
		dropped, fails bool
	}{
		{"the server takes it", nil, nil, false, false},
		{"it is refused, and nothing else", refused(http.StatusBadRequest), nil, true, false},
		{"the request is refused anyway", refused(http.StatusBadRequest), refused(http.StatusBadRequest), false, true},
		{"no such model", refused(http.StatusNotFound), nil, false, true},
		{"not now", refused(http.StatusServiceUnavailable), nil, false, true},
		{"another fault", errors.New("connection refused"), nil, false, true},
	} {
		c, _ := newRunner(t, Options{})
		c.prober = smokeProber{Prober: deploy.NewProber(host.Local{}), smoke: func(_ context.Context, _ plan.Smoke, l aiperf.Load, _ func(string)) error {
			if l.NVExt {
				return row.with
			}
			return row.without
		}}
		topology := Topology{Name: "a"}
		l, err := c.smokeTest(t.Context(), c.prober, plan.Plan{Load: aiperf.Load{NVExt: true}}, &topology)
		if (err != nil) != row.fails || (len(topology.Deviations) > 0) != row.dropped || err == nil && l.NVExt == row.dropped {
			t.Errorf("%s: error %v, nvext %t, deviations %v", row.why, err, l.NVExt, topology.Deviations)
		}
	}
}

// drawings receives the frames of a screen.
type drawings chan string

func (d drawings) Write(p []byte) (int, error) {
	d <- string(p)
	return len(p), nil
}

// The first transfer between two GPUs takes up to 30 s: meanwhile the screen names the
// workers without a proof.
func TestTheScreenNamesIdleWorkers(t *testing.T) {
	c, _ := newRunner(t, Options{})
	c.Screen.Close()
	drawn := make(drawings, 100)
	c.Screen = ui.New(ui.Options{Out: drawn, TTY: true, Size: func() (int, int) { return 80, 24 }, Now: time.Now})
	defer c.Screen.Close()
	c.prober = smokeProber{Prober: deploy.NewProber(host.Local{}), smoke: func(ctx context.Context, _ plan.Smoke, _ aiperf.Load, note func(string)) error {
		note("served no request yet: prefill-2")
		for {
			select {
			case text := <-drawn:
				if strings.Contains(text, "prefill-2") {
					return nil
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := c.smokeTest(ctx, c.prober, plan.Plan{}, &Topology{Name: "a"}); err != nil {
		t.Error("the screen does not show it:", err)
	}
}
