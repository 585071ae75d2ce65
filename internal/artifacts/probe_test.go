package artifacts

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// C23: a file system that refuses an operation is seen before the start, and the probe leaves nothing.
func TestC23TryFindsWhatAFileSystemRefuses(t *testing.T) {
	whole := system{os.Rename, os.Chmod, syncDir, lock}
	refused := errors.New("refused")
	for _, row := range []struct {
		why    string
		change func(*system)
		fault  func(Abilities) error // the one that must be refused; nil: none
	}{
		{"a local disk", func(*system) {}, nil},
		{"bindfs --chmod-deny", func(s *system) { s.chmod = func(string, os.FileMode) error { return refused } }, func(a Abilities) error { return a.Chmod }},
		{"no fsync of a directory", func(s *system) { s.sync = func(string) error { return refused } }, func(a Abilities) error { return a.Sync }},
		{"an object store", func(s *system) { s.rename = func(string, string) error { return refused } }, func(a Abilities) error { return a.Rename }},
		{"no locks", func(s *system) { s.lock = func(string) error { return refused } }, func(a Abilities) error { return a.Lock }},
		{"modes that do not stay", func(s *system) {
			s.chmod = func(path string, _ os.FileMode) error { return os.Chmod(path, 0o777) }
		}, func(a Abilities) error { return a.Chmod }},
	} {
		root, s := t.TempDir(), whole
		row.change(&s)
		a := try(filepath.Join(root, "not", "yet"), s)
		for name, fault := range map[string]func(Abilities) error{"write": func(a Abilities) error { return a.Write },
			"rename": func(a Abilities) error { return a.Rename }, "chmod": func(a Abilities) error { return a.Chmod },
			"sync": func(a Abilities) error { return a.Sync }, "lock": func(a Abilities) error { return a.Lock }} {
			got, want := fault(a), row.fault != nil && row.fault(a) != nil && errors.Is(fault(a), row.fault(a))
			if (got != nil) != want {
				t.Errorf("%s: %s: %v, want a fault: %t", row.why, name, got, want)
			}
		}
		if row.fault != nil && row.fault(a) == nil {
			t.Errorf("%s: no fault: %+v", row.why, a)
		}
		if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
			t.Errorf("%s: left: %v, %v", row.why, left, err)
		}
	}
}

func TestTryOfAPlaceThatCannotBeWritten(t *testing.T) {
	if a := Try("/proc/nonesuch"); !errors.Is(a.Write, os.ErrNotExist) && !errors.Is(a.Write, syscall.EPERM) && !errors.Is(a.Write, os.ErrPermission) {
		t.Errorf("%v", a.Write)
	}
}
