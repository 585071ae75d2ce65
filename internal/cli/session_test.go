package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"topobench/internal/deploy"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/preflight"
	"topobench/internal/run"
)

// A process that was started outside of a topology, as perf's aiperf, and lives at the
// end makes the run DIRTY, and what leads clean to it stays.
func TestSessionEndsDirtyWhenSomethingLives(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are started on Linux only")
	}
	env := &Env{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Screen: &bytes.Buffer{}, Environ: []string{tempVariable + "=" + shortDir(t)}}
	signals := listen(false)
	defer signals.stop()
	c, err := env.open(t.Context(), signals, preflight.Report{}, run.Options{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	stray, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	err = c.close(nil)
	dirty, ok := errors.AsType[*deploy.DirtyError](err)
	if !ok || !slices.ContainsFunc(dirty.Left, func(p proc.Proc) bool { return p.PID == stray.Pid }) || exitCode(err) != codeDirty {
		t.Errorf("error %v, want the stray process %d", err, stray.Pid)
	}
	if _, err := os.Stat(c.Dir.TempDir()); err != nil {
		t.Errorf("the temporary directory: %v", err)
	}
	if end := journal.EndOf(filepath.Join(c.Dir.Path(), journal.Name)); end != journal.EndDirty {
		t.Errorf("the journal ends %s", end)
	}
	if err := errors.Join(c.Dir.Close(), stray.Kill()); err != nil {
		t.Error(err)
	}
	if _, err := stray.Wait(); err != nil {
		t.Error(err)
	}
}

// shortDir is a directory that is short enough for a socket; t.TempDir is not.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "topobench-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
