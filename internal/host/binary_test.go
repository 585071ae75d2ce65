package host_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"topobench/internal/host"
)

// The binary is replaced while it runs, as an upgrade does: what is started after
// that has the shepherd of the running one all the same.
func TestF5JBinaryIsReplaced(t *testing.T) {
	b := newBed(t)
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ how, why string }{
		{"replaced", "something that is no shepherd is in its place"},
		{"removed", "nothing is in its place"},
	} {
		path := filepath.Join(b.dir, row.how)
		if err := os.WriteFile(path, program, 0o700); err != nil {
			t.Fatal(err)
		}
		p, err := os.StartProcess(path, []string{path, "upgraded", b.dir}, &os.ProcAttr{
			Env: b.Env(), Files: []*os.File{nil, nil, os.Stderr},
		})
		if err != nil {
			t.Fatal(err)
		}
		if state, err := p.Wait(); err != nil || !state.Success() {
			t.Errorf("%s: %v, %v", row.why, state, err)
		}
		b.nothingLives()
	}
}

// upgraded is a process that replaces its own binary, or removes it, and then starts
// and stops a service.
func upgraded(dir string) {
	err := os.Remove(os.Args[0])
	if err == nil && filepath.Base(os.Args[0]) == "replaced" {
		err = os.WriteFile(os.Args[0], []byte("#!/bin/false\n"), 0o700)
	}
	if err != nil {
		panic(err)
	}
	c, err := host.Starter{}.Start(host.Spec{Name: "one", Argv: []string{"/bin/sleep", "60"}, Env: os.Environ(),
		Log: filepath.Join(dir, "one.log"), Grace: time.Minute})
	if err == nil {
		err = c.Stop(context.Background())
	}
	if err != nil {
		panic(err)
	}
}
