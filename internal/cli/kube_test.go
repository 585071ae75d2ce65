package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"topobench/internal/kube"
	"topobench/internal/preflight"
)

// planKube runs plan --kube on a machine without programs and without a cluster.
func planKube(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, faults bytes.Buffer
	env := &Env{Stdout: &out, Stderr: &faults, Screen: &faults, Environ: []string{"HOME=/home/u"}}
	code = Main(append([]string{"plan"}, args...), env)
	return code, out.String(), faults.String()
}

const kubeImage = "--kube-image=nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1"

func TestPlanKubePrintsManifestsAndLines(t *testing.T) {
	code, out, faults := planKube(t, "disagg-1node", "agg-1node", "--kube", kubeImage, "--kube-namespace", "bench", "--kube-load-image", "r/load:1", "--concurrency", "1,2")
	for _, want := range []string{"kind: DynamoGraphDeployment", "nvidia.com/gpu: \"4\"", "kubectl --namespace bench create -f -", "image: r/load:1", "for c in 1 2; do",
		"kubectl --namespace bench delete dynamographdeployment/disagg-1node", "kubectl --namespace bench rollout status deployment/agg-1node-nginx"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in the script", want)
		}
	}
	if code != codeOK {
		t.Errorf("exit %d: %s", code, faults)
	}
	code, out, _ = planKube(t, "disagg-1node", "--kube", kubeImage, "--guide")
	if code != codeOK || !strings.Contains(out, "cluster-owner") || strings.Contains(out, "private-services") {
		t.Errorf("exit %d, --guide prints\n%s", code, out)
	}
}

func TestPlanKubeReportsAllFaults(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	manifest := write("m.yaml", "apiVersion: nvidia.com/v1beta1\nkind: DynamoGraphDeployment\nmetadata: {name: g}\nspec: {components: []}\n")
	guide := write("guide.yaml", "name: g\nkind: k\nkubernetes: {manifest: m.yaml}\n")
	gone := write("gone.yaml", "name: h\nkind: k\nkubernetes: {manifest: none.yaml}\n")
	for _, c := range []struct {
		why  string
		args []string
		want []string
	}{
		{"all profiles", []string{guide, gone, "demo-agg", "--kube"}, []string{manifest + ":4:7: spec: it has no component", gone + ":3:24: cannot read the manifest", "demo-agg", "kubernetes.image is missing"}},
		{"a manifest without a cluster", []string{guide}, []string{guide + ":3:24: a manifest is for Kubernetes: topobench plan --kube"}},
		{"a flag without --kube", []string{"disagg-1node", kubeImage}, []string{"need --kube"}},
		{"a model beside a manifest", []string{guide, "--kube", "--model", "m"}, []string{"--model: the model of g follows from its manifest"}},
		{"--json", []string{"disagg-1node", "--kube", "--json"}, []string{"--kube and --json exclude each other"}},
	} {
		code, out, faults := planKube(t, c.args...)
		for _, want := range c.want {
			if code != codeUsage || !strings.Contains(faults, want) || out != "" {
				t.Errorf("%s: exit %d, no %q in\n%s%s", c.why, code, want, faults, out)
			}
		}
	}
}

// A finding of a cluster is a check of the manual, with the code of the run that it stops.
func TestFindingsAreChecks(t *testing.T) {
	var names []string
	for _, row := range preflight.Names() {
		names = append(names, row[0])
	}
	for _, about := range []string{kube.OfContext, kube.OfNamespace, kube.OfOperator, kube.OfRights, kube.OfObjects, kube.OfNodes, kube.OfQuota, kube.OfLoad} {
		if !slices.Contains(names, about) {
			t.Errorf("the manual lacks %s", about)
		}
	}
	for _, row := range []struct {
		finding kube.Finding
		state   preflight.State
		code    int
	}{
		{kube.Finding{}, preflight.OK, 0}, {kube.Finding{Doubt: true}, preflight.Warning, 0},
		{kube.Finding{Fault: true}, preflight.Failure, codeUsage}, {kube.Finding{Fault: true, Taken: true}, preflight.Failure, codeBusy},
	} {
		if got := checkOf(row.finding); got.State != row.state || got.Code != row.code {
			t.Errorf("%+v: %+v", row.finding, got)
		}
	}
}

// The page has every deviation of a cluster.
func TestHelpKubernetesIsComplete(t *testing.T) {
	page := strings.Join(strings.Fields(help(t, "kubernetes")), " ")
	for _, d := range kube.Deviations() {
		if !strings.Contains(page, d.ID+" "+d.Done) {
			t.Errorf("help kubernetes lacks %s", d.ID)
		}
	}
	for _, row := range kubeObjects() {
		if !strings.Contains(page, row[0]+" "+row[1]) {
			t.Errorf("help kubernetes lacks %s", row[0])
		}
	}
}
