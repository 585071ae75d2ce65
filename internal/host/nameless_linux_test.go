package host_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/testbed"
)

// A short command outside of a run has no file in a temporary directory while it runs, which signal 9 would leave there.
func TestShortCommandsHaveNoFile(t *testing.T) {
	witness, temp, found := testbed.Audit(t), t.TempDir(), filepath.Join(t.TempDir(), "found")
	t.Setenv("TMPDIR", temp)
	script := filepath.Join(t.TempDir(), "nvidia-smi")
	text := "#!/bin/sh\nls '" + temp + "' >>'" + found + "'\necho once >>'" + found + "'\necho out; echo messages >&2\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	env := witness.Env("PATH=" + os.Getenv("PATH"))
	out, messages, code, err := host.Tool(t.Context(), env, script)
	if out != "out\n" || messages != "messages\n" || code != 0 || err != nil {
		t.Errorf("%q, %q, exit %d, %v", out, messages, code, err)
	}
	here := host.Local{Starter: host.Starter{Exe: testbed.Program()}, NvidiaSMI: script, Env: env, Temp: temp}
	if _, err := here.Look(t.Context(), host.Question{Power: 10 * time.Second}); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(found); string(got) != "once\nonce\n" || err != nil {
		t.Errorf("they found %q, %v", got, err)
	}
}

func TestNamelessWithoutItsDirectory(t *testing.T) {
	file, path, err := host.Nameless(filepath.Join(t.TempDir(), "gone"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(path); string(text) != "x" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}
