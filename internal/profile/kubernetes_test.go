package profile

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKubernetesIsReadWithItsDefaults(t *testing.T) {
	p := mustParse(t, valid+`kubernetes:
  model_storage: {host_path: ~/models}
  pod:
    hostNetwork: true
    priority: 10
    quoted: "10"
    octal: 010
    share: 0.5
    list: [a, {b: null}]
`)
	want := &Kubernetes{BalancerImage: balancerImage, SharedMemory: sharedMemory,
		ModelStorage: &ModelStorage{HostPath: "/home/someone/models", Mount: "/home/someone/models"},
		Pod: Fields{"hostNetwork": true, "priority": 10, "quoted": "10", "octal": "010", "share": 0.5,
			"list": []any{"a", map[string]any{"b": nil}}}}
	if diff := cmp.Diff(want, p.Kubernetes); diff != "" {
		t.Error(diff)
	}
	if at := p.Place("kubernetes.pod.list[0]"); at != "/etc/profiles/p.yaml:14:12" {
		t.Errorf("the item is at %s", at)
	}
	if at := p.Place("kubernetes.image"); at != "/etc/profiles/p.yaml:6:1" && at != "/etc/profiles/p.yaml:7:3" {
		t.Errorf("an absent key is at %s", at)
	}
}

func TestFaultsOfKubernetes(t *testing.T) {
	rows := []row{
		{"an unknown key", valid + "kubernetes: {imge: a}\n", "6:14", words("did you mean image?")},
		{"an option of kubectl", valid + "kubernetes: {context: --all}\n", "6:23", words("a context such as prod")},
		{"a namespace", valid + "kubernetes: {namespace: A_b}\n", "6:25", words("a namespace such as")},
		{"a Secret", valid + "kubernetes: {hf_token_secret: hf_abc}\n", "6:31", words("the name of a Secret")},
		{"a size", valid + "kubernetes: {shared_memory: lots}\n", "6:29", words("a size such as 16Gi")},
		{"a label", valid + "kubernetes: {node_selector: {a b: c}}\n", "6:30", words("is not a label of a node")},
		{"a toleration without a key", valid + "kubernetes: {tolerations: [{value: x}]}\n", "6:28", words("names no key")},
		{"a value that is not compared", valid + "kubernetes: {tolerations: [{operator: Exists, value: x}]}\n", "6:54", words("takes no value")},
		{"no volume", valid + "kubernetes: {model_storage: {mount: /m}}\n", "6:29", words("either pvc or host_path")},
		{"two volumes", valid + "kubernetes: {model_storage: {pvc: a, host_path: /m}}\n", "6:29", words("either pvc or host_path")},
		{"a claim without a mount", valid + "kubernetes: {model_storage: {pvc: a}}\n", "6:29", words("mount must be an absolute path")},
		{"a directory of no root", valid + "kubernetes: {model_storage: {host_path: m}}\n", "6:41", words("host_path must be an absolute path")},
		{"init containers", valid + "kubernetes: {pod: {initContainers: []}}\n", "6:36", words("before the pod counts as started")},
		{"a key twice in a pod", valid + "kubernetes: {pod: {a: {b: 1, b: 2}}}\n", "6:30", words("given twice")},
		{"what a manifest has", "name: a\nkind: b\nengine: vllm\nmodel: m\naggregated: [{cuda_visible_devices: [0]}]\nkubernetes: {manifest: d.yaml, image: i}\n",
			"3:1 4:1 5:1 6:32", words("engine follows from kubernetes.manifest", "aggregated follows from")},
		{"a manifest without a name", "kubernetes: {manifest: d.yaml}\n", "1:1 1:1", words("name is missing", "kind is missing")},
	}
	checkRows(t, rows)
}

func TestAManifestReplacesTheTopology(t *testing.T) {
	p := mustParse(t, "name: a\nkind: b\nkubernetes: {manifest: d.yaml}\nload: {isl: 10}\n")
	if !p.FromManifest() || p.Kubernetes.Manifest != "/etc/profiles/d.yaml" {
		t.Errorf("%+v", p.Kubernetes)
	}
}

// A document is edited without the loss of a comment, and read by paths.
func TestDocuments(t *testing.T) {
	documents, err := Documents("m.yaml", []byte("# first\na: {b: [x, {c: 3}]} # note\n---\n---\nd: e\n"))
	if err != nil || len(documents) != 2 {
		t.Fatalf("%d documents, %v", len(documents), err)
	}
	d := documents[0]
	c := d.At("a", "b").Items()[1].At("c")
	if n, err := c.Count(0); n != 3 || err != nil || c.Path() != "a.b[1].c" || d.At("a", "none", "deep").Given() {
		t.Errorf("%d at %s, %v", n, c.Path(), err)
	}
	if n, err := d.At("a", "absent").Count(7); n != 7 || err != nil {
		t.Errorf("an absent count is %d, %v", n, err)
	}
	if got := c.Fault("it is %d", 3).Error(); got != "m.yaml:2:16: a.b[1].c: it is 3" {
		t.Errorf("fault %q", got)
	}
	if err := errors.Join(d.Set("v", "a", "new", "deep"), d.Set([]int{1}, "a", "b")); err != nil {
		t.Fatal(err)
	}
	text, err := d.YAML()
	if want := "# first\na: {b: [1], new: {deep: v}} # note\n"; err != nil || strings.Join(strings.Fields(text), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("%q, %v, want %q", text, err, want)
	}
	for why, bad := range map[string]string{"a merge": "a: {<<: {b: c}}", "an alias": "a: &x 1\nb: *x\n", "twice": "a: 1\na: 2\n", "UTF-16": "\xff\xfe",
		"control": "a: \"\\0\"\n", "many": "a: [" + strings.Repeat("1,", maxValues) + "]\n"} {
		if _, err := Documents("m.yaml", []byte(bad)); err == nil || !strings.HasPrefix(err.Error(), "m.yaml:") {
			t.Errorf("%s: %v", why, err)
		}
	}
}
