package run

import (
	"context"
	"slices"
	"testing"

	"topobench/internal/aiperf"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/plan"
)

// A name may lead elsewhere than its usual address: the smoke must go where the load will go.
func TestC09TheSmokeGoesToTheURLsOfTheLoad(t *testing.T) {
	c, _ := newRunner(t, Options{})
	var sent plan.Smoke
	c.prober = smokeProber{Prober: deploy.NewProber(host.Local{}), smoke: func(_ context.Context, s plan.Smoke, _ aiperf.Load, _ func(string)) error {
		sent = s
		return nil
	}}
	urls := []string{"http://localhost:1", "http://localhost:2"}
	p := plan.Plan{Load: aiperf.Load{URLs: urls}, Smoke: plan.Smoke{URLs: []string{"http://127.0.0.1:1"}, Round: 3}}
	if _, err := c.smokeTest(t.Context(), c.prober, p, &Topology{Name: "a"}); err != nil || !slices.Equal(sent.URLs, urls) || sent.Round != 3 {
		t.Errorf("sent to %v, %v", sent, err)
	}
}
