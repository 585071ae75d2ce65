package run

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// A full disk keeps services from being started, and no teardown from its proof that the
// GPUs are free.
func TestF71NvidiaSMIRunsWithoutItsRecord(t *testing.T) {
	c, _ := newRunner(t, Options{})
	c.gpus.path = filepath.Join(t.TempDir(), "nvidia-smi")
	if err := os.WriteFile(c.gpus.path, []byte("#!/bin/sh\necho \"GPU $1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	records := 0
	full := func(string, string, proc.Proc) error { records++; return errors.New("no space on the disk") }
	c.starter = host.Starter{Exe: testbed.Program(), OnStart: full}
	text, code, err := c.gpus.smi(plan.Hardware{}).Run(t.Context(), "0")
	if text != "GPU 0\n" || code != 0 || err != nil || records != 1 {
		t.Errorf("got %q, %d, %v after %d records", text, code, err, records)
	}
}
