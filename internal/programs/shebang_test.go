package programs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestShebang(t *testing.T) {
	for _, row := range []struct{ why, head, want string }{
		{"pip's", "#!/env/bin/python3\n# -*- coding: utf-8 -*-\n", "/env/bin/python3"},
		{"with a flag", "#! /usr/bin/python3 -I\n", "/usr/bin/python3"},
		{"without an end", "#!/usr/bin/python3", "/usr/bin/python3"},
		{"looked up", "#!/usr/bin/env python3\n", "python3"},
		{"looked up with flags and a variable", "#!/usr/bin/env -S A=b python3 -I\n", "python3"},
		{"nothing to look up", "#!/usr/bin/env\n", ""},
		{"pip's, of a path with a space", "#!/bin/sh\n'''exec' \"/my env/bin/python3\" \"$0\" \"$@\"\n' '''\nimport sys\n", "/my env/bin/python3"},
		{"pip's, of a long path", "#!/bin/sh\n'''exec' /env/bin/python3 \"$0\" \"$@\"\n' '''\n", "/env/bin/python3"},
		{"uv's, beside the script", "#!/bin/sh\n'''exec' " + besideScript + "'python3' \"$0\" \"$@\"\n' '''\n", besideScript + "python3"},
		{"a script of the shell", "#!/bin/sh\nexec python3 -m aiperf\n", ""},
		{"no script", "\x7fELF", ""},
		{"nothing", "", ""},
	} {
		if got := shebang(row.head); got != row.want {
			t.Errorf("%s: %q, not %q", row.why, got, row.want)
		}
	}
}

func FuzzShebang(f *testing.F) {
	for _, seed := range []string{"#!/env/bin/python3\n", "#!/usr/bin/env -S python3\n", "#!/bin/sh\n'''exec' \"/my env/bin/python3\" \"$0\" \"$@\"\n' '''\n", "#!", "\x7fELF"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, head string) {
		got := shebang(head)
		if strings.ContainsRune(got, '\n') || !strings.HasPrefix(got, besideScript) && !strings.Contains(head, got) {
			t.Errorf("%q names %q", head, got)
		}
	})
}

// An environment's python is a link: its target has other packages.
func TestInterpreterKeepsLinks(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	look := func(name string) string { return "/found/" + name }
	link := filepath.Join(dir, "link")
	if err := os.Symlink(write("script", "#!"+dir+"/env/bin/python3\n"), link); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ why, path, want string }{
		{"a script behind a link", link, dir + "/env/bin/python3"},
		{"env", write("env", "#!/usr/bin/env python3\n"), "/found/python3"},
		{"beside", write("beside", "#!/bin/sh\n'''exec' "+besideScript+"'python3' \"$0\" \"$@\"\n"), dir + "/python3"},
		{"another language", write("perl", "#!/usr/bin/perl\n"), ""},
		{"an empty file", write("empty", ""), ""},
		{"not there", dir + "/none", ""},
	} {
		if got := interpreter(row.path, look); got != row.want {
			t.Errorf("%s: %q, not %q", row.why, got, row.want)
		}
	}
}

func FuzzReadPython(f *testing.F) {
	for _, seed := range []string{`{"versions": {"aiperf": "0.13.0"}, "modules": ["aiperf"], "stamps": {"/a": 1}}`, "warning\n{}\n", `{"versions": {}, "modules": []}` + "\nbye"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, output string) {
		e := entry{Stamps: map[string]int64{"/python": 1}}
		if err := parsePython(output, &e); err == nil && (e.Versions == nil || e.Modules == nil) {
			t.Errorf("%q is taken for an answer: %+v", output, e)
		}
	})
}
