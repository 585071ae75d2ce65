package recovery

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/testbed"
)

// The artifacts root of a killed run was removed: clean removes the temporary directory
// once no process of the run is left.
func TestF57CleanWhenTheRunsDirectoryIsGone(t *testing.T) {
	for _, row := range []struct {
		why    string
		cookie bool
		file   string // open for writing, below the temporary directory
	}{
		{why: "a process with its cookie", cookie: true},
		{why: "a process that writes below its temporary directory", file: "out"},
	} {
		t.Run(row.why, func(t *testing.T) {
			b := newBed(t)
			run := b.dead(b.deadOwner())
			script := "sleep 60; :"
			if row.file != "" {
				script = "exec 3>" + filepath.Join(run.TempDir(), row.file) + "; " + script
			}
			var env []string
			if row.cookie {
				env = append(env, b.cookie())
			}
			p := b.start("", env, "/bin/sh", "-c", script)
			testbed.Eventually(t, soon, func() bool {
				return row.file == "" || exists(filepath.Join(run.TempDir(), row.file))
			})
			if err := os.RemoveAll(filepath.Join(b.dir, artifacts.StateDir)); err != nil {
				t.Fatal(err)
			}
			f := b.clean(b.cleaner())
			if f.Err == nil || f.Fate != Unknown || !slices.ContainsFunc(f.Left, p.Same) || !exists(run.TempDir()) {
				t.Fatalf("found %+v", f)
			}
			for _, part := range []string{run.Path(), run.TempDir()} {
				if !strings.Contains(f.Err.Error(), part) {
					t.Errorf("no %q in %v", part, f.Err)
				}
			}
			b.running(p)
			b.kill(p)
			reap(t)
			dry := b.cleaner()
			dry.DryRun = true
			if f := b.clean(dry); f.Err != nil || f.Temp != run.TempDir() || !exists(run.TempDir()) {
				t.Errorf("a dry one finds %+v", f)
			}
			if f := b.clean(b.cleaner()); f.Err != nil || f.Fate != DirectoryGone || exists(run.TempDir()) {
				t.Errorf("found %+v", f)
			}
			if all, err := b.cleaner().Clean(t.Context()); err != nil || len(all) > 0 {
				t.Errorf("a second time: %+v, %v", all, err)
			}
		})
	}
}

// A run ended DIRTY, and /tmp was emptied: clean finds the run by its root, and only until
// it is cleaned.
func TestF57CleanADirtyRunWithoutATemporaryDirectory(t *testing.T) {
	b := newBed(t)
	p := b.start("", nil, "/bin/sleep", "60")
	run := b.dead(b.deadOwner(), journal.Child{Name: "svc", PID: p.PID, Ticks: p.Ticks})
	b.journal(run, journal.RunEnd{Dirty: true})
	if err := os.RemoveAll(run.TempDir()); err != nil {
		t.Fatal(err)
	}
	c := b.cleaner()
	c.Roots = []string{b.dir}
	if f := b.clean(c); f.Err != nil || f.Fate != EndedDirty || f.Killed != 1 || len(b.Living()) > 0 {
		t.Errorf("found %+v", f)
	}
	if all, err := c.Clean(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("a second time: %+v, %v", all, err)
	}
}
