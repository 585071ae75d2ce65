package run

import (
	"os"
	"path/filepath"
	"testing"

	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/plan"
)

// A caller compares the Serving with nil, not with a nil *deploy.Stack.
func TestTargetThatFailsServesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := plan.Plan{Name: "t", Files: []plan.File{{Path: filepath.Join(file, "none")}}}
	target := processes{Target: deploy.Target{Plan: p, Options: deploy.Options{Host: host.Local{}, Force: t.Context()}}}
	if s, err := target.Up(t.Context()); s != nil || err == nil {
		t.Errorf("got %v, %v", s, err)
	}
}

// The server of another person is up as long as the caller's context, and stays up.
func TestExternalTarget(t *testing.T) {
	s, err := external{urls: []string{"http://h:1"}}.Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	members, err := s.Processes()
	if len(members) > 0 || err != nil || s.Endpoints()[0] != "http://h:1" || s.Context() != t.Context() {
		t.Errorf("members %v, %v, endpoints %v", members, err, s.Endpoints())
	}
	if err := s.Down(t.Context()); err != nil || s.Times() != (deploy.Times{}) {
		t.Errorf("down: %v, %+v", err, s.Times())
	}
}
