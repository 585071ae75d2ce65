package recovery

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/testbed"
)

// shmNames are paths in /dev/shm that no other test uses, removed at the end.
func shmNames(t *testing.T, names ...string) []string {
	t.Helper()
	if !exists(shmDir) {
		t.Skip("this machine has no " + shmDir)
	}
	var paths []string
	for _, name := range names {
		path := filepath.Join(shmDir, fmt.Sprintf("topobench-test-%d-%s", os.Getpid(), name))
		paths = append(paths, path)
		t.Cleanup(func() { os.Remove(path) })
	}
	return paths
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mapper is a process that makes and maps the files.
func (b bed) mapper(paths ...string) proc.Proc {
	b.Helper()
	p := b.start("", nil, testbed.Argv("maps", paths...)...)
	testbed.Eventually(b, soon, func() bool {
		all, err := proc.Snapshot()
		held := proc.Holders(all, shmDir)
		return err == nil && !slices.ContainsFunc(paths, func(path string) bool { return len(held[path]) == 0 })
	})
	return p
}

func (b bed) kill(p proc.Proc) {
	b.Helper()
	if err := proc.Signal(p, syscall.SIGKILL); err != nil {
		b.Fatal(err)
	}
	testbed.Eventually(b, soon, func() bool { now, err := proc.Read(p.PID); return err != nil || !now.Alive() })
}

// A new file in /dev/shm is removed only if the run was seen to hold it, and if no process
// holds it any more.
func TestF64SharedMemory(t *testing.T) {
	b := newBed(t)
	name := shmNames(t, "before", "ours", "shared", "other", "held")
	before, ours, shared, foreign, held := name[0], name[1], name[2], name[3], name[4]
	touch(t, before)
	run, err := Create(b.dir, b.dir, runID(b.dir))
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	j, err := journal.Open(filepath.Join(run.Path(), journal.Name), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	ledger, err := NewLedger(run, j)
	if err != nil {
		t.Fatal(err)
	}
	shm, err := ledger.Shared()
	if err != nil {
		t.Fatal(err)
	}
	touch(t, foreign)
	worker, other, stuck := b.mapper(before, ours, shared), b.mapper(shared), b.mapper(held)
	if err := shm.Sample(func() []proc.Proc { return []proc.Proc{worker, stuck} }); err != nil {
		t.Fatal(err)
	}
	b.kill(worker)
	removed, others, err := shm.Remove()
	if err != nil || !slices.Equal(removed, []string{ours}) {
		t.Errorf("removed %v, %v", removed, err)
	}
	if !slices.Contains(others, foreign) || slices.Contains(others, before) {
		t.Errorf("others %v", others)
	}
	for path, want := range map[string]bool{before: true, ours: false, shared: true, foreign: true, held: true} {
		if exists(path) != want {
			t.Errorf("%s is there: %t", path, !want)
		}
	}
	want := fmt.Sprintf("%s is held by process %v", held, stuck)
	if left := shm.Left([]proc.Proc{stuck}); len(left) != 1 || left[0] != want {
		t.Errorf("left %q", left)
	}
	b.running(other)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	state, err := readState(run.Path())
	if err != nil || len(state.Shm) != 3 {
		t.Errorf("the journal has %v, %v", state.Shm, err)
	}
}

// After a kill -9 the journal lists the files that the run held. A new file of the same
// name stays.
func TestF64CleanRemovesSharedMemory(t *testing.T) {
	b := newBed(t)
	name := shmNames(t, "left", "replaced", "climbs")
	touch(t, name[0])
	touch(t, name[1])
	left, _ := statShm(filepath.Base(name[0]))
	replaced, _ := statShm(filepath.Base(name[1]))
	replaced.Inode++
	outside := filepath.Join(b.dir, "outside")
	touch(t, outside)
	run := b.dead(b.deadOwner())
	climbs := journal.SharedMemoryFile{Name: "../.." + outside}
	b.journal(run, journal.SharedMemoryHeld{Held: []journal.SharedMemoryFile{left, replaced, climbs}})
	f := b.clean(b.cleaner())
	if f.Err != nil || !slices.Equal(f.Shm, name[:1]) || exists(name[0]) || !exists(name[1]) || !exists(outside) {
		t.Errorf("found %+v", f)
	}
}
