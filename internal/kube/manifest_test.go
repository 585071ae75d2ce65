package kube

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/profile"
)

// bare is a profile whose topology is in a manifest.
func bare(t testing.TB, manifest string, settings ...string) profile.Profile {
	t.Helper()
	return read(t, "/p/p.yaml", "name: guide\nkind: dynamo_vllm\nkubernetes: {manifest: "+manifest+"}\n", settings...)
}

// file is a file of testdata.
func file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAManifestGivesTheTopology(t *testing.T) {
	one := profile.Worker{TP: 1, PP: 1, DP: 1, Env: map[string]string{"VLLM_LOGGING_LEVEL": "INFO"},
		EngineArgs: []string{"--kv-transfer-config", `{"kv_connector":"NixlConnector","kv_role":"kv_both"}`}}
	prefill := slices.Repeat([]profile.Worker{one}, 4)
	for i := range prefill {
		prefill[i].Devices = []int{4 + i}
	}
	topology, err := Make(bare(t, "disagg.yaml"), []byte(file(t, "disagg.yaml")), "run-1", guide())
	if err != nil {
		t.Fatal(err)
	}
	p := topology.Profile
	if diff := cmp.Diff(prefill, p.Prefill); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]profile.Worker{{TP: 4, PP: 1, DP: 1, Devices: []int{0, 1, 2, 3}, Env: map[string]string{}}}, p.Decode); diff != "" {
		t.Error(diff)
	}
	d := topology.Plan.Deployment
	if p.Engine != "dynamo" || p.Model != "Qwen/Qwen3-0.6B" || p.Label() != "dynamo_vllm_disaggregated" || p.Frontend.Router != "kv" ||
		d.NumGPUs != 8 || d.PrefillTP != 1 || d.PrefillDP != 4 || d.DecodeTP != 4 || d.DecodeDP != 1 || string(topology.Plan.Versions.Dynamo) != "1.6.1" {
		t.Errorf("profile %+v, deployment %+v", p, d)
	}
	if want := []string{"http://vllm-disagg-frontend:8000"}; !slices.Equal(topology.Plan.Load.URLs, want) {
		t.Errorf("the load goes to %v", topology.Plan.Load.URLs)
	}
	golden(t, "disagg.applied.yaml", manifests(topology))
}

func TestAnOlderManifestGivesTheTopology(t *testing.T) {
	topology, err := Make(bare(t, "alpha.yaml"), []byte(file(t, "disagg-alpha.yaml")), "run-1", guide())
	if err != nil {
		t.Fatal(err)
	}
	p := topology.Profile
	if len(p.Prefill) != 2 || p.Prefill[0].TP != 2 || len(p.Decode) != 1 || p.Decode[0].TP != 8 || p.Decode[0].PP != 2 || p.GPUs() != 20 ||
		p.Model != "Qwen/Qwen3-0.6B" || p.ServedName != "qwen" || p.Kubernetes.Namespace != "dynamo-system" ||
		p.Kubernetes.LoadImage != "nvcr.io/nvidia/ai-dynamo/vllm-runtime:0.9.1" {
		t.Errorf("%+v", p)
	}
	text := manifests(topology)
	if strings.Count(text, Owner) != 2 || !strings.Contains(text, "nvidia.com/v1alpha1") {
		t.Errorf("not as it was, with two owners:\n%s", text)
	}
}

// Each fault names its path in the document, and its line.
func TestFaultsOfAManifestHaveTheirPath(t *testing.T) {
	for _, c := range []struct{ why, old, new, want string }{
		{"more GPUs than the arguments use", `nvidia.com/gpu: "4"`, `nvidia.com/gpu: "8"`,
			"disagg.yaml:28:48: spec.components[1].podTemplate.spec.containers[0].resources.limits.nvidia.com/gpu: 1 node x 8 GPUs are 8, and its arguments use 4"},
		{"no GPU", `resources: {limits: {nvidia.com/gpu: 1}}`, `workingDir: /`, "spec.components[2].podTemplate.spec.containers[0]: it has no limit of nvidia.com/gpu"},
		{"a count that is none", "replicas: 4", "replicas: four", "spec.components[2].replicas: it must be a whole number"},
		{"a count without end", "replicas: 4", "replicas: 9223372036854775807", "spec.components[2].replicas: it must be a whole number up to"},
		{"more workers than a plan has", "replicas: 4", "replicas: 99999", "spec.components[2].replicas: 99999 replicas would be more than 1024 GPUs"},
		{"an old version", "v1beta1\n", "v9\n", "apiVersion: \"nvidia.com/v9\" is neither"},
		{"no frontend", "type: frontend", "type: epp", "spec: it has 0 frontends instead of one"},
		{"an unknown type", "type: prefill", "type: router", `spec.components[2]: the type "router" is none of`},
		{"a planner", "type: prefill", "type: planner", "spec.components[2]: a planner changes the replicas"},
		{"an autoscaler", "replicas: 4", "replicas: 4\n    scalingAdapter: {enabled: true}", "spec.components[2].scalingAdapter: an autoscaler"},
		{"another role in the arguments", "--disaggregation-mode, decode", "--disaggregation-mode, prefill", "spec.components[1]: its type is decode, and its arguments have the role prefill"},
		{"decode alone", "replicas: 4", "replicas: 0", "spec: prefill and decode need each other"},
		{"two models", "args: [--model, Qwen/Qwen3-0.6B", "args: [--model, other", "and that of decode is other"},
		{"no model", "args: [--model, Qwen/Qwen3-0.6B, ", "args: [", "spec.components[1].podTemplate.spec.containers[0]: its arguments have no model"},
		{"an unknown variable", "args: [--model, Qwen/Qwen3-0.6B", "args: [--model, $WHICH", "its arguments have no model with a known value"},
		{"another engine", "command: [python3, -m, dynamo.vllm]\n          args: [", "command: [python3, -m, dynamo.sglang]\n          args: [", "runs dynamo.vllm, and another worker runs another engine"},
		{"no engine", "command: [python3, -m, dynamo.vllm]\n          args: [", "args: [", "no engine follows from it"},
		{"no container main", "- name: main\n          image: nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1\n          command: [python3]", "- name: other\n          command: [python3]", "spec.components[0]: the component has no container main"},
		{"a key twice", "type: decode", "type: decode\n    type: prefill", "spec.components[1].type: the key is given twice"},
		{"an anchor", "replicas: 4", "replicas: &n 4", "spec.components[2].replicas: anchors and aliases are not taken"},
		{"a second graph", "spec:\n  backend", "spec: {}\n---\napiVersion: nvidia.com/v1beta1\nkind: DynamoGraphDeployment\nmetadata: {name: b}\nspec:\n  backend", "there is a second DynamoGraphDeployment"},
		{"another namespace", "name: vllm-disagg\n", "name: vllm-disagg\n  namespace: theirs\n", "metadata.namespace: it is in the namespace theirs, and the profile, or an object before it, in ours"},
		{"no object", "kind: DynamoGraphDeployment", "sort: DynamoGraphDeployment", "it is no object of Kubernetes"},
		{"another kind", "kind: DynamoGraphDeployment", "kind: Pod", "disagg.yaml: it has no DynamoGraphDeployment"},
		{"not YAML", "spec:\n  backend", "spec: [\n  backend", "not YAML"},
	} {
		t.Run(c.why, func(t *testing.T) {
			text := file(t, "disagg.yaml")
			if !strings.Contains(text, c.old) {
				t.Fatalf("the manifest has no %q", c.old)
			}
			_, err := Make(bare(t, "disagg.yaml", "kubernetes.namespace=ours"), []byte(strings.Replace(text, c.old, c.new, 1)), "r", guide())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("no %q in\n%v", c.want, err)
			}
		})
	}
}

func TestCommandsInShells(t *testing.T) {
	for _, c := range []struct {
		argv []string
		want string
	}{
		{[]string{"python3", "-m", "x"}, "python3|-m|x"}, {[]string{"/bin/bash", "-lc", "cd /w && exec python3 -m x --a 'b c'"}, "python3|-m|x|--a|b c"},
		{[]string{"sh", "-c", "a; b \"\" c;\n"}, "b||c"}, {[]string{"sh", "-c"}, "sh|-c"}, {[]string{"sh", "x", "y"}, "sh|x|y"},
	} {
		if got := strings.Join(unshelled(c.argv), "|"); got != c.want {
			t.Errorf("%q is %q, want %q", c.argv, got, c.want)
		}
	}
}

// FuzzManifest: no text panics, every fault is one line with its source, and a manifest that is taken gives a topology
// whose GPUs are those of its workers.
func FuzzManifest(f *testing.F) {
	for _, name := range []string{"disagg.yaml", "disagg-alpha.yaml", "demo-disagg.yaml", "full.yaml"} {
		f.Add([]byte(file(f, name)))
	}
	f.Add([]byte("---\n"))
	p := bare(f, "m.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		topology, err := Make(p, data, "r", guide())
		faults, are := errors.AsType[profile.Faults](err)
		for _, fault := range faults {
			if fault.Source == "" || fault.Text == "" || strings.ContainsAny(fault.Text, "\n\r\x1b") {
				t.Errorf("fault %+q", fault)
			}
		}
		if err != nil {
			if !are && topology.Name != "" {
				t.Errorf("half a topology beside %v", err)
			}
			return
		}
		devices := 0
		for _, w := range slices.Concat(topology.Profile.Prefill, topology.Profile.Decode, topology.Profile.Aggregated) {
			devices += len(w.Devices)
		}
		if devices == 0 || devices != topology.Profile.GPUs() || devices != topology.Plan.Deployment.NumGPUs {
			t.Errorf("%d devices, %d GPUs, %d in the deployment", devices, topology.Profile.GPUs(), topology.Plan.Deployment.NumGPUs)
		}
		if len(topology.Entries) != 1 || topology.Name == "" {
			t.Errorf("entries %v of %q", topology.Entries, topology.Name)
		}
	})
}
