package cli

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"topobench/internal/recovery"
	"topobench/internal/testbed"
)

// A login with a TMPDIR of its own finds the run of an earlier one by its processes.
func TestCleanLooksWhereProcessesOfRunsAre(t *testing.T) {
	witness := testbed.Audit(t)
	place, err := os.MkdirTemp("/tmp", "tbp")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(place)
	run, err := recovery.Create(t.TempDir(), place, "elsewhere-node1")
	if err != nil {
		t.Fatal(err)
	}
	worker := exec.Command("sleep", "60")
	worker.Env = witness.Env("TOPOBENCH_RUN="+run.ID(), "TMPDIR="+run.TempDir())
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	env := &Env{Environ: []string{"TMPDIR=" + t.TempDir()}}
	if answer := env.clean(t.Context(), "own", cleaning{DryRun: true}); !strings.Contains(answer.Output, run.ID()) {
		t.Errorf("got %s%s", answer.Output, answer.Error)
	}
	_ = worker.Process.Kill() // an error: it has ended
	_ = worker.Wait()
	if err := run.Close(); err != nil {
		t.Error(err)
	}
}
