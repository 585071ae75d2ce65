package recovery

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"topobench/internal/artifacts"

	"github.com/google/go-cmp/cmp"
)

// newRun returns a run in a new root and closes it at the end.
func newRun(t *testing.T) *Run {
	t.Helper()
	r, err := Create(t.TempDir(), "", "20261124-094805-3f2a")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// wantError fails unless the text of err has each of the parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q has no %q", err, part)
		}
	}
}

// runUntilKilled is a run whose owner does not close it. It ends by itself
// after a minute, in case the test does not kill it.
func runUntilKilled(root string) error {
	r, err := Create(root, root, "id")
	if err != nil {
		return err
	}
	fmt.Println(r.TempDir())
	<-time.After(time.Minute)
	return r.Close()
}

func TestTempDirIsPrivateAndLeavesRoomForASocket(t *testing.T) {
	r := newRun(t)
	info, err := os.Stat(r.TempDir())
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%s has mode %v, want 700 (%v)", r.TempDir(), info.Mode(), err)
	}
	if longest := 107 - 64; len(r.TempDir()) > longest {
		t.Errorf("%s is longer than %d bytes", r.TempDir(), longest)
	}
}

func TestCloseRemovesTheTempDirAndKeepsTheRun(t *testing.T) {
	r := newRun(t)
	write(t, filepath.Join(r.TempDir(), "deep", "socket"), "")
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if exists(r.TempDir()) || !exists(r.Path()) {
		t.Errorf("temp dir exists: %t, run exists: %t", exists(r.TempDir()), exists(r.Path()))
	}
}

// A second run of that id leaves nothing, and does not touch the first.
func TestCreateRefusesAnIDTwiceAndLeavesTheFirstAlone(t *testing.T) {
	r := newRun(t)
	temp := t.TempDir()
	_, err := Create(r.Root(), temp, r.ID())
	wantError(t, err, "cannot create the run directory", r.Path(), "exists already")
	if !errors.Is(err, fs.ErrExist) || !exists(filepath.Join(r.Path(), markerName)) || !exists(r.TempDir()) {
		t.Errorf("the first run was touched: %v", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("it left %v (%v)", left, err)
	}
}

// A run without a place for its temporary directory leaves no run directory.
func TestCreateThatFailsLeavesNoRun(t *testing.T) {
	root := t.TempDir()
	_, err := Create(root, filepath.Join(root, "missing"), "id")
	wantError(t, err, "cannot create a temporary directory", "missing")
	if runs, err := os.ReadDir(filepath.Join(root, artifacts.StateDir)); err != nil || len(runs) > 0 {
		t.Errorf("it left %v (%v)", runs, err)
	}
}

func TestListIsInOrderAndSkipsWhatIsNoRun(t *testing.T) {
	root := t.TempDir()
	if runs, err := List(root); err != nil || len(runs) != 0 {
		t.Errorf("a root without runs lists %v (%v)", runs, err)
	}
	write(t, filepath.Join(root, artifacts.StateDir, "other", "file"), "")
	var want []string
	for _, id := range []string{"20261124-094805-3f2a", "20261125-000000-0000"} {
		d, err := Create(root, root, id)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		want = append(want, d.Path())
	}
	runs, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, runs); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestOpenRefusesALiveRun(t *testing.T) {
	d := newRun(t)
	_, err := Open(d.Path())
	live, ok := errors.AsType[*LiveError](err)
	if !ok || live.Path != d.Path() {
		t.Errorf("got %v", err)
	}
}

func TestOpenOfAClosedRunHasNothingToRemove(t *testing.T) {
	d := newRun(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(d.Path())
	if err != nil || again.ID() != d.ID() || again.Root() != d.Root() {
		t.Fatalf("got %+v (%v)", again, err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestKilledRunIsTakenOverOnce(t *testing.T) {
	root := t.TempDir()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	argv := []string{os.Args[0], "run", root}
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{Files: []*os.File{nil, in, os.Stderr}})
	in.Close()
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	temp, path := lines.Text(), filepath.Join(root, artifacts.StateDir, "id")
	if _, err := Open(path); err == nil {
		t.Error("a run is taken over while its owner runs in another process")
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if !exists(temp) {
		t.Fatalf("%q is not there after the kill", temp)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Error("the run is taken over twice")
	}
	if err := r.Close(); err != nil || exists(temp) {
		t.Errorf("the temporary directory exists: %t (%v)", exists(temp), err)
	}
}
