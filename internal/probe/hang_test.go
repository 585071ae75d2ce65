package probe_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/tools"
)

// A program that does not say its version, and is deaf, is ended when its time is up.
func TestF25AProgramThatHangsWhenAskedForItsVersion(t *testing.T) {
	b := newBed(t)
	path := filepath.Join(b.dir, "etcd")
	b.check(os.WriteFile(path, []byte("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 60; done\n"), 0o755))
	b.prober.Within = 300 * time.Millisecond
	began := time.Now()
	_, err := b.prober.Ask(t.Context(), tools.Etcd, path)
	if want := "cannot ask " + path + " for its version: "; err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "no answer within 300ms") {
		t.Errorf("got %v, want %q and the limit", err, want)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
