package profile

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Kubernetes is how a topology becomes objects of a cluster. Only --kube reads it.
type Kubernetes struct {
	Context   string `yaml:"context" help:"context of kubectl; its current one if absent"`
	Namespace string `yaml:"namespace" help:"namespace, which exists; the context's if absent"`
	Manifest  string `yaml:"manifest" help:"file with a DynamoGraphDeployment, for engine, model and workers"`

	Image         string `yaml:"image" help:"image of frontends and workers; its tag is the version of Dynamo or vLLM"`
	LoadImage     string `yaml:"load_image" help:"image with aiperf, for the load; the frontend's if absent"`
	BalancerImage string `yaml:"balancer_image" help:"image with nginx"`
	PullSecret    string `yaml:"pull_secret" help:"Secret with the credentials of the images' registry"`
	HFTokenSecret string `yaml:"hf_token_secret" help:"Secret with HF_TOKEN, for every pod"`

	NodeSelector map[string]string `yaml:"node_selector" help:"labels of the nodes of every pod"`
	Tolerations  []Toleration      `yaml:"tolerations" help:"taints that every pod tolerates"`
	ModelStorage *ModelStorage     `yaml:"model_storage" help:"volume of every pod with models or their cache"`
	SharedMemory string            `yaml:"shared_memory" help:"size of /dev/shm of a worker; none for mockers"`
	Pod          Fields            `yaml:"pod" help:"further fields of the pods of frontends and workers"`
}

// Toleration lets pods run on nodes with a taint.
type Toleration struct {
	Key      string `yaml:"key" help:"key of the taint; every key if absent"`
	Operator string `yaml:"operator" one:"Exists|Equal" help:"Equal, with a value, if absent"`
	Value    string `yaml:"value" help:"value of the taint"`
	Effect   string `yaml:"effect" one:"NoSchedule|PreferNoSchedule|NoExecute" help:"every effect if absent"`
}

// ModelStorage is a volume that exists: a claim, or a directory of the nodes.
type ModelStorage struct {
	PVC      string `yaml:"pvc" help:"name of a PersistentVolumeClaim"`
	HostPath string `yaml:"host_path" help:"directory of every node"`
	Mount    string `yaml:"mount" help:"directory in the pods; host_path if absent"`
}

// Fields are part of an object of Kubernetes, which topobench passes on as it is.
type Fields map[string]any

const (
	balancerImage = "nginx:1.29"
	sharedMemory  = "8Gi" // the default of Dynamo's operator
)

// fill adds the defaults.
func (k *Kubernetes) fill() {
	if k.BalancerImage == "" {
		k.BalancerImage = balancerImage
	}
	if k.SharedMemory == "" {
		k.SharedMemory = sharedMemory
	}
	if s := k.ModelStorage; s != nil && s.Mount == "" {
		s.Mount = s.HostPath
	}
}

// FromManifest reports whether a manifest has the engine, the model and the workers.
func (p Profile) FromManifest() bool { return p.Kubernetes != nil && p.Kubernetes.Manifest != "" }

var (
	// A name of an object is a DNS subdomain, a namespace a label of DNS.
	objectPattern    = shaped(253, `^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
	namespacePattern = shaped(63, `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	contextPattern   = shaped(253, `^[A-Za-z0-9_.:/@][A-Za-z0-9_.:/@+=-]*$`) // no option
	imagePattern     = shaped(500, `^[A-Za-z0-9][A-Za-z0-9._:/@-]*$`)
	quantityPattern  = shaped(32, `^[1-9][0-9]*(Ki|Mi|Gi|Ti|k|M|G|T)?$`)
	labelPattern     = shaped(63, `^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$`)
	labelKeyPattern  = shaped(317, `^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)
)

func checkKubernetes(p Profile) (found problems) {
	k := p.Kubernetes
	if k == nil {
		return nil
	}
	texts := []struct {
		key, value, example string
		pattern
	}{
		{"context", k.Context, "a context such as prod", contextPattern},
		{"namespace", k.Namespace, "a namespace such as dynamo-system", namespacePattern},
		{"image", k.Image, "an image such as nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1", imagePattern},
		{"load_image", k.LoadImage, "an image such as registry.example/aiperf:0.13.0", imagePattern},
		{"balancer_image", k.BalancerImage, "an image such as " + balancerImage, imagePattern},
		{"pull_secret", k.PullSecret, "the name of a Secret such as pull-secret", objectPattern},
		{"hf_token_secret", k.HFTokenSecret, "the name of a Secret such as hf-token-secret", objectPattern},
		{"shared_memory", k.SharedMemory, "a size such as 16Gi", quantityPattern},
	}
	for _, t := range texts {
		if t.value != "" && !t.matches(t.value) {
			found.add("kubernetes."+t.key, "kubernetes.%s must be %s, not %.80q", t.key, t.example, t.value)
		}
	}
	for key, value := range k.NodeSelector {
		if !labelKeyPattern.matches(key) || !labelPattern.matches(value) {
			found.add("kubernetes.node_selector."+key+"#", "%.80q: %.80q is not a label of a node", key, value)
		}
	}
	checkTolerations(&found, k.Tolerations)
	checkStorage(&found, k.ModelStorage)
	if _, given := k.Pod["initContainers"]; given {
		found.add("kubernetes.pod.initContainers", "initContainers would run before the pod counts as started: "+
			"prepare the volume of model_storage beforehand")
	}
	return found
}

func checkTolerations(found *problems, all []Toleration) {
	for i, t := range all {
		at := index("kubernetes.tolerations", i)
		switch {
		case t.Operator == "Exists" && t.Value != "":
			found.add(at+".value", "%s: operator Exists takes no value: remove it, or use Equal", at)
		case t.Operator != "Exists" && t.Key == "":
			found.add(at, "%s tolerates a taint by its value and names no key: add one, or operator: Exists", at)
		case t.Key != "" && !labelKeyPattern.matches(t.Key):
			found.add(at+".key", "%s.key must be that of a taint such as nvidia.com/gpu, not %.80q", at, t.Key)
		}
	}
}

func checkStorage(found *problems, s *ModelStorage) {
	const at = "kubernetes.model_storage"
	switch {
	case s == nil:
		return
	case (s.PVC == "") == (s.HostPath == ""):
		found.add(at, "%s needs either pvc or host_path", at)
	case s.PVC != "" && !objectPattern.matches(s.PVC):
		found.add(at+".pvc", "%s.pvc must be the name of a PersistentVolumeClaim, not %.80q", at, s.PVC)
	case s.HostPath != "" && !isModelPath(s.HostPath):
		found.add(at+".host_path", "%s.host_path must be an absolute path, not %.80q", at, s.HostPath)
	case !isModelPath(s.Mount):
		found.add(at+".mount", "%s.mount must be an absolute path in the pods, such as /models, not %.80q", at, s.Mount)
	}
}

// checkManifest checks a profile whose topology is in a manifest: nothing that follows from it may be given twice.
func checkManifest(p Profile) (found problems) {
	for _, r := range []struct{ key, value, example string }{
		{"name", p.Name, "name: disagg"}, {"kind", p.Kind, "kind: dynamo_vllm"},
	} {
		if r.value == "" {
			found.add(r.key, "%s is missing: add %q", r.key, r.example)
		}
	}
	given := map[string]bool{"engine": p.Engine != "", "model": p.Model != "", "served_name": p.ServedName != "",
		"command": p.Command != nil, "frontend": p.Frontend != nil, "balancer": p.Balancer != nil,
		"engine_args": len(p.EngineArgs) > 0, "env": len(p.Env) > 0, "prefill": len(p.Prefill) > 0,
		"decode": len(p.Decode) > 0, "aggregated": len(p.Aggregated) > 0, "kubernetes.image": p.Kubernetes.Image != "",
		"kubernetes.pod": len(p.Kubernetes.Pod) > 0, "load.spread": p.Load.Spread}
	for key, is := range given {
		if is {
			found.add(key+"#", "%s follows from kubernetes.manifest: remove it here, or change it there", key)
		}
	}
	return found
}

// free decodes a value of any kind.
func (d *decoder) free(path string, n *yaml.Node) any {
	if !d.spend() {
		return nil
	}
	d.at[path] = position{n.Line, n.Column}
	switch n = target(n); n.Kind {
	case yaml.MappingNode:
		all := map[string]any{}
		for _, e := range d.entries(path, n) {
			all[e.key.Value] = d.free(join(path, e.key.Value), e.value)
		}
		return all
	case yaml.SequenceNode:
		list := []any{}
		for i, item := range n.Content[:min(len(n.Content), max(0, d.left)+1)] {
			list = append(list, d.free(index(path, i), item))
		}
		return list
	}
	return plainValue(n)
}

// plainValue is a scalar as Kubernetes' own reader takes it, but for numbers in notations other than the plain one,
// which stay text.
func plainValue(n *yaml.Node) any {
	switch whole, err := PlainInt(n.Value); {
	case !isPlain(n):
		return n.Value
	case isNull(n):
		return nil
	case n.Value == "true" || n.Value == "false":
		return n.Value == "true"
	case err == nil:
		return whole
	case n.Tag == "!!float":
		if number, err := strconv.ParseFloat(n.Value, 64); err == nil && !strings.ContainsAny(n.Value, "xX_nN") {
			return number
		}
	}
	return n.Value
}

// fields decodes a mapping that is passed on.
func (d *decoder) fields(path string, n *yaml.Node, v reflect.Value) {
	all := Fields{}
	for _, e := range d.override(path, d.entries(path, n)) {
		all[e.key.Value] = d.free(join(path, e.key.Value), e.value)
	}
	v.Set(reflect.ValueOf(all))
}

// placeKeys notes where the profile has each key: --kube finds faults that show only with a cluster in mind.
func (d *decoder) placeKeys(p *Profile) {
	if p.Kubernetes == nil {
		return
	}
	p.KeysAt = map[string]string{}
	for path, at := range d.at {
		if at.line > 0 {
			p.KeysAt[path] = fmt.Sprintf("%s:%d:%d", d.source, at.line, at.column)
		} else {
			p.KeysAt[path] = d.source + ": " + d.place(at.line)
		}
	}
}

// Place is where a profile has a key, or the nearest one around it, for the message of a fault.
func (p Profile) Place(key string) string {
	for ; key != ""; key = key[:max(0, strings.LastIndexAny(key, ".["))] {
		if at, known := p.KeysAt[key]; known {
			return at
		}
	}
	return p.Source
}
