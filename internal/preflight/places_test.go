package preflight

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/artifacts"
	"topobench/internal/profile"
)

func TestTempFault(t *testing.T) {
	short, err := os.MkdirTemp("/tmp", "tf")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(short)
	file := filepath.Join(short, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		dir     string
		longest int
		want    string
	}{
		{short, 40, ""}, {short, len(short), ""}, {short, len(short) - 1, "bytes long"}, {"relative", 40, "not an absolute path"},
		{file, 40, "no directory"}, {short + "/none", 40, "no directory"},
	} {
		if got := TempFault(row.dir, row.longest); (row.want == "") != (got == "") || !strings.Contains(got, row.want) {
			t.Errorf("%s, %d: %q, want %q", row.dir, row.longest, got, row.want)
		}
	}
}

// What engines on GPUs need around them is seen before the start; the demo does not depend on it.
func TestSurroundingsOfEngines(t *testing.T) {
	warnings := func(engine string, env map[string]string) string {
		r := Request{Profiles: []profile.Profile{{Engine: engine, Aggregated: []profile.Worker{{}}}}, Getenv: func(name string) string { return env[name] }}
		var all []string
		for _, c := range r.surroundings() {
			all = append(all, c.String())
		}
		return strings.Join(all, "\n")
	}
	home := t.TempDir()
	if got := warnings("vllm", map[string]string{"HOME": home, "USER": "somebody"}); strings.Contains(got, "HOME") || strings.Contains(got, "no name") {
		t.Errorf("all is well: %s", got)
	}
	for _, dir := range []string{"", filepath.Join(home, "gone")} {
		if got := warnings("dynamo", map[string]string{"HOME": dir}); !strings.Contains(got, "HOME is") {
			t.Errorf("HOME=%s: %q", dir, got)
		}
	}
	if got := warnings("mocker", nil); got != "" {
		t.Errorf("the demo: %s", got)
	}
}

// C23: what only weakens secrecy or durability is a warning; what breaks publishing stops the run.
func TestC23WhatARootCannotDo(t *testing.T) {
	refused := errors.New("operation not permitted")
	for _, row := range []struct {
		why   string
		can   artifacts.Abilities
		state State  // of the worst check
		want  string // part of it
	}{
		{"a local disk", artifacts.Abilities{}, OK, "can be written"},
		{"no flock", artifacts.Abilities{Lock: refused}, OK, "without flock"},
		{"no modes", artifacts.Abilities{Chmod: refused}, Warning, "others may read the logs"},
		{"no fsync of a directory", artifacts.Abilities{Sync: refused}, Warning, "if this machine crashes"},
		{"no rename", artifacts.Abilities{Rename: refused, Chmod: refused}, Failure, "cannot publish results in one step"},
		{"read-only", artifacts.Abilities{Write: refused}, Failure, "operation not permitted"},
	} {
		checks := rootChecks("/root", row.can)
		last := checks[len(checks)-1]
		if last.State != row.state || !strings.Contains(last.Found, row.want) {
			t.Errorf("%s: %+v, want %s: %s", row.why, last, row.state, row.want)
		}
		if (Report{Checks: checks}.Err() != nil) != (row.state == Failure) {
			t.Errorf("%s: the run starts or not: %v", row.why, Report{Checks: checks}.Err())
		}
	}
}
