package kube

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/profile"
	"topobench/profiles"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

// read reads a profile in an environment whose cache is /cache, with settings of the command line.
func read(t testing.TB, source, text string, settings ...string) profile.Profile {
	t.Helper()
	p, err := profile.Reader{Getenv: func(string) string { return "" }, Cache: "/cache", Set: settings}.Parse(source, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func builtIn(t testing.TB, name string, settings ...string) profile.Profile {
	t.Helper()
	text, err := profiles.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, "built-in "+name, string(text), settings...)
}

// guide is the guide's load.
func guide() aiperf.Options { return aiperf.Options{Seed: aiperf.GuideSeed} }

func made(t testing.TB, p profile.Profile) Topology {
	t.Helper()
	topology, err := Make(p, nil, "run-1", guide())
	if err != nil {
		t.Fatal(err)
	}
	return topology
}

// manifests are the objects of a topology, wave by wave.
func manifests(t Topology) string {
	var b strings.Builder
	for _, wave := range t.Waves {
		for _, o := range wave {
			b.WriteString("---\n" + o.Text)
		}
	}
	return b.String()
}

// values are the objects of a topology as maps.
func values(t testing.TB, topology Topology) (all []object) {
	t.Helper()
	documents, err := profile.Documents("made", []byte(manifests(topology)))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		value, err := d.Value()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, value.(object))
	}
	return all
}

// at is the value below some keys; a number is the place in a list.
func at(t testing.TB, value any, keys ...any) any {
	t.Helper()
	for _, key := range keys {
		switch key := key.(type) {
		case string:
			value = value.(object)[key]
		case int:
			value = value.(list)[key]
		}
	}
	return value
}

const image = "kubernetes.image=nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1"
