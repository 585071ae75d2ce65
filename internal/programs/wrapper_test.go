package programs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/programs"
)

// script writes an executable file into the bed, with DIR in its text replaced by the bed's directory.
func (b *bed) script(name, text string) string {
	b.Helper()
	path := filepath.Join(b.dir, name)
	b.check(errors.Join(os.MkdirAll(filepath.Dir(path), 0o755),
		os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", b.dir)), 0o755)))
	return path
}

// A vllm on PATH that is a wrapper or a shim leads to the Python that runs it, or to none.
func TestAWrapperIsFollowedToItsPython(t *testing.T) {
	b := newBed(t)
	b.answers(`{"versions": {"vllm": "0.31.0"}, "modules": ["vllm"], "stamps": {}}`)
	real := b.script("env/bin/vllm", "#!DIR/bin/python3\nimport sys\n")
	b.script("conda/envs/serve/bin/vllm", "#!DIR/bin/python3\n")
	b.script("pyenv/versions/3.12.4/bin/vllm", "#!DIR/bin/python3\n")
	b.script("conda/bin/conda", "#!/nonesuch/python\n")
	b.check(os.WriteFile(filepath.Join(b.dir, "pyenv", "version"), []byte("3.12.4\n3.11.1\n"), 0o644))
	b.script("pyenv/libexec/pyenv", "#!/bin/sh\nexit 9\n")
	shim := "#!/usr/bin/env bash\nset -e\nprogram=\"${0##*/}\"\n\nexport PYENV_ROOT=\"DIR/pyenv\"\nexec \"DIR/pyenv/libexec/pyenv\" exec \"$program\" \"$@\"\n"
	for _, row := range []struct{ why, path, want string }{
		{"no wrapper", real, "0.31.0"},
		{"the path of the program", b.script("a", "#!/bin/sh\nexport A=b\nexec DIR/env/bin/vllm \"$@\"\n"), "0.31.0"},
		{"a wrapper of a wrapper", b.script("b", "#!/bin/bash\nexec env X=y \"DIR/a\" \"$@\"\n"), "0.31.0"},
		{"a module", b.script("c", "#!/bin/sh\nDIR/bin/python3 -m vllm.entrypoints.cli.main \"$@\"\n"), "0.31.0"},
		{"an environment that it activates", b.script("d", "#!/bin/bash\nsource DIR/env/bin/activate\nvllm \"$@\"\n"), "0.31.0"},
		{"pyenv", b.script("shims/vllm", shim), "0.31.0"},
		{"conda by name", b.script("e", "#!/bin/sh\nexec DIR/conda/bin/conda run --no-capture-output -n serve vllm \"$@\"\n"), "0.31.0"},
		{"conda by place", b.script("f", "#!/bin/sh\nconda run -p DIR/env vllm \"$@\"\n"), "0.31.0"},
		{"a circle", b.script("g", "#!/bin/sh\nexec DIR/g \"$@\"\n"), ""},
		{"a container", b.script("h", "#!/bin/sh\nexec docker run --rm vllm/vllm-openai \"$@\"\n"), ""},
		{"a bare name", b.script("i", "#!/bin/sh\nexec python3 \"$(dirname \"$0\")/server.py\" \"$@\"\n"), ""},
		{"a program that is gone", b.script("j", "#!/bin/sh\nexec DIR/none/vllm \"$@\"\n"), ""},
		{"no script", b.script("k", "\x7fELF"), ""},
	} {
		got, err := b.prober.Probe(t.Context(), programs.VLLM, row.path)
		if err != nil || got.Version("vllm") != row.want || got.Lacks("vllm") {
			t.Errorf("%s: %v, %v; want %q", row.why, got, err, row.want)
		}
		python := map[bool]string{true: b.python}[row.want != ""]
		if got := b.prober.Interpreter(programs.VLLM, row.path); got != python {
			t.Errorf("%s: its Python is %q, not %q", row.why, got, python)
		}
	}
	b.prober.Environ = append(b.prober.Environ, "PYENV_VERSION=3.9.0:3.12.4")
	if got := b.prober.Interpreter(programs.VLLM, filepath.Join(b.dir, "shims", "vllm")); got != "" {
		t.Errorf("PYENV_VERSION names a version without vllm, and %s runs it", got)
	}
}

// The script may set PYTHONPATH: what its interpreter lacks by itself is unknown, not missing.
func TestAWrappersInterpreterProvesNoLack(t *testing.T) {
	b := newBed(t)
	b.answers(`{"versions": {}, "modules": [], "stamps": {}}`)
	path := b.script("a", "#!/bin/sh\nexport PYTHONPATH=/src\nexec DIR/bin/python3 -m vllm \"$@\"\n")
	for range 2 { // the second answer comes from the cache
		if got, err := b.prober.Probe(t.Context(), programs.VLLM, path); err != nil || got.Lacks("vllm") {
			t.Errorf("%v, %v", got, err)
		}
	}
	if got, known := b.prober.Recall(programs.VLLM, path); !known || got.Lacks("vllm") {
		t.Errorf("%v, %v", got, known)
	}
}
