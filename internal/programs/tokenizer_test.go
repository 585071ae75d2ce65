package programs_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/programs"
)

// aiperfStub is aiperf's loader: it notes each call, and refuses a tokenizer with Python of its own unless it is
// trusted.
const aiperfStub = `
import os
class Tokenizer:
    @classmethod
    def from_pretrained(cls, name, trust_remote_code=False):
        with open(os.environ["NOTES"], "a") as notes:
            print(name, file=notes)
        if os.path.exists(name + "/own.py") and not trust_remote_code:
            raise ValueError(f"{name} contains custom code; pass trust_remote_code=True")
        return cls()

    def encode(self, text):
        return [] if os.environ.get("NO_TOKENS") else [1]
`

// C16: a tokenizer is loaded as aiperf loads it, before anything starts, and again only when it has changed.
func TestC16ATokenizerIsLoadedOnceUntilItChanges(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	python, err := exec.LookPath("python3")
	b.check(err) // the set-up requires it
	stub, notes, dir := filepath.Join(b.dir, "stub"), filepath.Join(b.dir, "notes"), filepath.Join(b.dir, "model")
	write := func(path, text string) {
		b.check(errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)))
	}
	write(filepath.Join(stub, "aiperf", "common", "tokenizer.py"), aiperfStub)
	write(filepath.Join(dir, "tokenizer.json"), "{}")
	p := programs.Prober{Cache: filepath.Join(b.dir, "cache", "tokenizers.json"),
		Environ: append(b.prober.Environ, "PYTHONPATH="+stub, "NOTES="+notes)}
	plain, trusted := programs.Tokenizer{Name: dir}, programs.Tokenizer{Name: dir, Remote: true}
	elsewhere := programs.Prober{Environ: b.prober.Environ} // as in a wrapper that sets PYTHONPATH
	if err := elsewhere.LoadTokenizer(t.Context(), python, plain); err != nil {
		t.Errorf("an interpreter without aiperf: %v", err)
	}
	empty := programs.Prober{Environ: append(b.prober.Environ, "PYTHONPATH="+stub, "NOTES="+os.DevNull, "NO_TOKENS=1")}
	if err := empty.LoadTokenizer(t.Context(), python, plain); err == nil || !strings.Contains(err.Error(), "no tokens") {
		t.Errorf("a tokenizer without its files: %v", err)
	}
	write(filepath.Join(stub, "aiperf", "common", "environment.py"), "import os\nint(os.environ.get('AIPERF_HTTP_CONNECTION_LIMIT', 1))\n")
	odd := programs.Tokenizer{Name: dir, Settings: "AIPERF_HTTP_CONNECTION_LIMIT=x\nAIPERF_OTHER=y\n"}
	refuses := programs.Prober{Environ: append(b.prober.Environ, "PYTHONPATH="+stub, "NOTES="+os.DevNull, "AIPERF_HTTP_CONNECTION_LIMIT=x")}
	for _, err := range []error{refuses.LoadTokenizer(t.Context(), python, odd), refuses.LoadSettings(t.Context(), python, odd)} {
		if _, is := errors.AsType[*programs.SettingsError](err); !is || !strings.Contains(err.Error(), "correct or unset AIPERF_HTTP_CONNECTION_LIMIT, AIPERF_OTHER") {
			t.Errorf("a variable that aiperf refuses: %v", err)
		}
	}
	if err := p.LoadSettings(t.Context(), python, odd); err != nil {
		t.Errorf("variables that it takes: %v", err)
	}
	for _, step := range []struct {
		why    string
		before func()
		of     programs.Tokenizer
		loads  int // so far
		want   string
	}{
		{"the first time", func() {}, plain, 1, ""},
		{"the second", func() {}, plain, 1, ""},
		{"another size", func() { write(filepath.Join(dir, "tokenizer.json"), "{} ") }, plain, 2, ""},
		{"Python of its own", func() { write(filepath.Join(dir, "own.py"), "") }, plain, 3, "add --trust-remote-code to engine_args"},
		{"a failure is not kept", func() {}, plain, 4, "add --trust-remote-code to engine_args"},
		{"another variable of aiperf is refused or not", func() {}, programs.Tokenizer{Name: dir, Remote: true, Settings: "AIPERF_A=1\n"}, 5, ""},
		{"trusted", func() {}, trusted, 6, ""},
		{"and kept", func() {}, trusted, 6, ""},
		{"an id that is not here is never kept", func() {}, programs.Tokenizer{Name: "a/b", Hub: b.dir}, 7, ""},
		{"the same id", func() {}, programs.Tokenizer{Name: "a/b", Hub: b.dir}, 8, ""},
	} {
		step.before()
		err := p.LoadTokenizer(t.Context(), python, step.of)
		if (err == nil) != (step.want == "") || err != nil && !strings.Contains(err.Error(), step.want) {
			t.Errorf("%s: %v, want %q", step.why, err, step.want)
		}
		noted, err := os.ReadFile(notes)
		b.check(err)
		if loads := strings.Count(string(noted), "\n"); loads != step.loads {
			t.Errorf("%s: loaded %d times, not %d", step.why, loads, step.loads)
		}
	}
}
