//go:build real

package script

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"topobench/internal/testbed"
)

// The whole script: it brings the topology up, measures, leaving out what the server
// refuses, and takes everything down.
func TestLongScriptMeasures(t *testing.T) {
	p, at := realDemo(t)
	p.Load.ISL, p.Load.OSL, p.Load.Concurrency = 64, 16, []int{1}
	witness := testbed.Audit(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	bash := exec.CommandContext(ctx, "bash", "-s")
	bash.Env, bash.Stdin = witness.Env(os.Environ()...), strings.NewReader(printed(t, at, p))
	out, err := bash.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "down: demo-agg\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	if said := "which the server refuses (HTTP 400): "; !strings.Contains(string(out), said) {
		t.Errorf("%q is not in\n%s", said, out)
	}
	for _, file := range []string{"deployment_config.json", "-concurrency1/profile_export_aiperf.json"} {
		if _, err := os.Stat(filepath.Join(at.Root, "artifacts_0", file)); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	free(t, p)
}
