package artifacts

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// create creates a run in a new root.
func create(t *testing.T) *Dir {
	t.Helper()
	d, err := Create(t.TempDir(), "20261124-094805-3f2a")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func cell(topology string, concurrency int) CellID {
	return CellID{Topology: topology, Concurrency: concurrency, Repeat: 1}
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

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// wantError fails unless the text of err contains each of the parts.
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

func TestNewIDIsTheStartInUTC(t *testing.T) {
	start := time.Date(2026, 11, 24, 10, 48, 5, 999, time.FixedZone("CET", 3600))
	if got, want := NewID(start, []byte{0x3f, 0x2a, 0xff}), "20261124-094805-3f2a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStateIsPrivate(t *testing.T) {
	d := create(t)
	attempt, err := d.Attempt(cell("demo", 8), 1)
	if err != nil {
		t.Fatal(err)
	}
	logs, err := d.Topology("demo")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Dir(d.Path()), d.Path(), logs, attempt} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o700 {
			t.Errorf("%s has mode %o, want 700", path, got)
		}
	}
	if got, want := attempt, filepath.Join(d.Path(), "cells/demo/c8-r1/attempt-1"); got != want {
		t.Errorf("attempt is %s, want %s", got, want)
	}
}

func TestF44AttemptIsFreshEachTime(t *testing.T) {
	d := create(t)
	if _, err := d.Attempt(cell("demo", 8), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Attempt(cell("demo", 8), 2); err != nil {
		t.Error(err)
	}
	_, err := d.Attempt(cell("demo", 8), 1)
	wantError(t, err, "cannot create the attempt directory", "attempt-1", "exists already")
}

func TestTopologyTwiceIsNoError(t *testing.T) {
	d := create(t)
	for range 2 {
		if _, err := d.Topology("demo"); err != nil {
			t.Error(err)
		}
	}
}

func TestNamesCannotLeaveTheRun(t *testing.T) {
	d := create(t)
	for _, name := range []string{"", ".", "..", "../x", "a/b", "-rf", ".hidden", "a b", "a\n", "ä",
		strings.Repeat("a", nameLimit+1)} {
		if _, err := d.Topology(name); err == nil {
			t.Errorf("Topology accepts %q", name)
		}
		if _, err := d.Attempt(cell(name, 1), 1); err == nil {
			t.Errorf("Attempt accepts %q", name)
		}
		if _, err := Create(t.TempDir(), name); err == nil {
			t.Errorf("Create accepts %q", name)
		}
	}
}

func TestCreateRefusesARootThatCannotHoldRuns(t *testing.T) {
	base := t.TempDir()
	write(t, filepath.Join(base, "file"), "")
	write(t, filepath.Join(base, "taken", StateDir), "")
	if err := os.MkdirAll(filepath.Join(base, "linked"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(base, filepath.Join(base, "linked", StateDir)); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ why, root, want string }{
		{"a file", filepath.Join(base, "file"), "not a directory"},
		{"below a file", filepath.Join(base, "file", "x"), "not a directory"},
		{"everything", "/", "name a directory of your own"},
		{"another run's state", filepath.Join(base, "ok", StateDir, "id"), "inside another run"},
		{"a file in the state's place", filepath.Join(base, "taken"), "not a directory"},
		{"a link in the state's place", filepath.Join(base, "linked"), "not a directory"},
	} {
		_, err := Create(row.root, "id")
		t.Run(row.why, func(t *testing.T) { wantError(t, err, "cannot", row.want) })
	}
}

func TestCreateRefusesAnIDTwice(t *testing.T) {
	d := create(t)
	_, err := Create(d.Root(), d.ID())
	wantError(t, err, "cannot create the run directory", d.Path(), "exists already")
	if !errors.Is(err, fs.ErrExist) || !exists(d.Path()) {
		t.Errorf("the first run has changed: %v", err)
	}
}

func TestCreateCreatesAMissingRootAndResolvesLinks(t *testing.T) {
	base := t.TempDir()
	link := filepath.Join(base, "link")
	if err := os.Symlink(filepath.Join(base, "a"), link); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(base, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := Create(filepath.Join(link, "b", "c"), "id")
	if err != nil {
		t.Fatal(err)
	}
	want, err := filepath.EvalSymlinks(filepath.Join(base, "a", "b", "c"))
	if err != nil || d.Root() != want {
		t.Errorf("root is %s, want %s (%v)", d.Root(), want, err)
	}
}

// F-73: a removed run directory is reported, and not created again in part.
func TestF73ARemovedRunIsNotCreatedAgain(t *testing.T) {
	for _, row := range []struct {
		why     string
		replace bool
	}{{"removed", false}, {"removed, and another is in its place", true}} {
		d, err := Create(t.TempDir(), "run-1")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Check(); err != nil {
			t.Errorf("%s: before the removal: %v", row.why, err)
		}
		moved := d.Path() + ".away" // its inode stays taken
		if err := os.Rename(d.Path(), moved); err != nil {
			t.Fatal(err)
		}
		if row.replace {
			if err := os.Mkdir(d.Path(), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		_, inTopology := d.Topology("agg")
		_, inAttempt := d.Attempt(cell("agg", 1), 1)
		for _, err := range []error{d.Check(), inTopology, inAttempt} {
			if _, gone := errors.AsType[*GoneError](err); !gone {
				t.Errorf("%s: got %v", row.why, err)
			}
		}
		if made, err := os.ReadDir(d.Path()); len(made) > 0 || err == nil != row.replace {
			t.Errorf("%s: created again: %v, %v", row.why, made, err)
		}
	}
}

func TestF74APathThatIsTooLong(t *testing.T) {
	root := filepath.Join(t.TempDir(), strings.Repeat("x", 300))
	_, err := Create(root, "run-1")
	wantError(t, err, "cannot create the artifacts root", "file name too long", "shorter artifacts root")
}
