package plan

import (
	"testing"
	"time"

	"topobench/internal/profile"
)

// What a role has of its own wins; else workers and frontends have the profile's, and
// what holds no requests has seconds.
func TestGraceOfARole(t *testing.T) {
	own := builtIn(t, "disagg-1node")
	own.Timeouts.Grace, own.Timeouts.Graces = 20*time.Second, profile.Graces{Decode: time.Minute, Etcd: 2 * time.Second}
	p := planned(t, own)
	want := map[Role]time.Duration{Frontend: 20 * time.Second, Prefill: 20 * time.Second, Decode: time.Minute,
		Etcd: 2 * time.Second, NATS: 5 * time.Second}
	seen := map[Role]bool{}
	for _, s := range p.Services {
		seen[s.Role] = true
		if s.Grace != want[s.Role] {
			t.Errorf("%s has %v, want %v", s.Name, s.Grace, want[s.Role])
		}
	}
	if len(seen) != len(want) {
		t.Errorf("the roles are %v", seen)
	}
}
