package cli

import (
	"bytes"
	"strings"
	"testing"
)

// What a command with --kube refuses before it looks at a cluster, or without kubectl.
func TestKubeRefusals(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	root := "--artifacts-root-dir=" + t.TempDir()
	for _, c := range []struct {
		why  string
		args []string
		want []string
	}{
		{"flags of machines", []string{"run", "demo-agg", "--kube", kubeImage, "--wait-gpus", "1h", "--python=/p", root}, []string{"--wait-gpus has no meaning with --kube", "--python has no meaning"}},
		{"flags without --kube", []string{"run", "demo-agg", kubeImage, root}, []string{"need --kube"}},
		{"up", []string{"up", "demo-agg", "--kube", kubeImage, "--nginx=/n", root}, []string{"--nginx has no meaning"}},
		{"a short grace", []string{"run", "demo-agg", "--kube", kubeImage, "--orphan-grace", "1s", root}, []string{"--orphan-grace 1s is too short"}},
		{"no image", []string{"run", "demo-agg", "--kube", root}, []string{"kubernetes.image is missing"}},
		{"no kubectl", []string{"run", "disagg-1node", "--kube", kubeImage, root}, []string{"cannot run kubectl", "put it on PATH"}},
		{"clean of a host too", []string{"clean", "--kube", "--host", "a=b"}, []string{"omit --host"}},
		{"clean without kubectl", []string{"clean", "--kube"}, []string{"cannot run kubectl"}},
		{"clean of a context without --kube", []string{"clean", "--kube-namespace", "n"}, []string{"need --kube"}},
	} {
		var out, faults bytes.Buffer
		env := &Env{Stdout: &out, Stderr: &faults, Screen: &faults, Environ: []string{"HOME=" + t.TempDir()}}
		code := Main(c.args, env)
		for _, want := range c.want {
			if code != codeUsage || !strings.Contains(faults.String(), want) {
				t.Errorf("%s: exit %d, no %q in %s", c.why, code, want, faults.String())
			}
		}
	}
}
