package recovery

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"topobench/internal/artifacts"
	"topobench/internal/host/proc"
)

// What hides from cookie and open files is known by the ledger alone, once it has been
// seen below its shepherd: by itself, and for no service.
func TestF57DescendantsAreEnrolledOnce(t *testing.T) {
	run, err := artifacts.Create(t.TempDir(), t.TempDir(), "run")
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	l, err := Open(run)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	child, err := proc.Read(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	later := child
	later.Ticks++ // the pid's next owner
	for range 2 {
		if err := l.Enroll([]proc.Proc{child}); err != nil {
			t.Fatal(err)
		}
	}
	if known := l.Trace().ByLedger([]proc.Proc{child}); !slices.Equal(known, []proc.Proc{child}) || l.Name(child) != "" {
		t.Errorf("known are %v, as %q, not %v", known, l.Name(child), child)
	}
	if known := l.Trace().ByLedger([]proc.Proc{later}); len(known) > 0 {
		t.Errorf("the pid's next owner is known: %v", known)
	}
	text, err := os.ReadFile(filepath.Join(run.Path(), ledgerName))
	if n := strings.Count(string(text), eventBorn); err != nil || n != 1 {
		t.Errorf("%d records (%v), want 1:\n%s", n, err, text)
	}
}
