package run

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// A full disk keeps services from being started, and no teardown from its proof that the
// GPUs are free.
func TestF71NvidiaSMIRunsWithoutItsRecord(t *testing.T) {
	c, _ := newRunner(t, Options{})
	path := filepath.Join(t.TempDir(), "nvidia-smi")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho No devices were found; exit 6\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	records := 0
	full := func(string, string, proc.Proc) error { records++; return errors.New("no space on the disk") }
	c.here.host.NvidiaSMI, c.here.host.Starter = path, host.Starter{Exe: testbed.Program(), OnStart: full}
	s, err := c.gpusOf("").state(t.Context(), plan.Hardware{Within: 10 * time.Second})
	if len(s.Trouble) != 1 || err != nil || records != 1 {
		t.Errorf("got %+v, %v after %d records", s, err, records)
	}
}
