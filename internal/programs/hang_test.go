package programs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/programs"
)

// A program that prints no version and ignores SIGTERM is killed when its time is up.
func TestF25AProgramThatHangsWhenItIsProbed(t *testing.T) {
	b := newBed(t)
	path := filepath.Join(b.dir, "etcd")
	b.check(os.WriteFile(path, []byte("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 60; done\n"), 0o755))
	b.prober.Within = 300 * time.Millisecond
	began := time.Now()
	_, err := b.prober.Probe(t.Context(), programs.Etcd, path)
	if want := "cannot probe the version of " + path + ": "; err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "no answer within 300ms") {
		t.Errorf("got %v, want %q and the limit", err, want)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A download may take any time while it shows progress.
func TestADownloadWithoutProgressIsStopped(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	path, log := filepath.Join(b.dir, "slow-python"), filepath.Join(b.dir, "fetch.log")
	b.check(os.WriteFile(path, []byte("#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done\nexec sleep 60\n"), 0o755))
	b.prober.Environ = append(b.prober.Environ, "PATH="+os.Getenv("PATH"))
	b.prober.Within = 3 * time.Second
	err := b.prober.Fetch(t.Context(), path, programs.Model{ID: "tiny"}, log)
	if err == nil || !strings.Contains(err.Error(), "no progress for 3s") {
		t.Errorf("got %v, want the limit", err)
	}
	if text, err := os.ReadFile(log); err != nil || !strings.HasSuffix(string(text), "8\n") {
		t.Errorf("it was stopped while it made progress: %q (%v)", text, err)
	}
}
