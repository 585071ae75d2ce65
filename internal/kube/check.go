package kube

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"topobench/internal/plan"
	"topobench/internal/profile"
)

// faults of a profile that show only on a cluster.
type faults struct {
	p   profile.Profile
	all []error
}

func (f *faults) add(key, format string, args ...any) {
	f.all = append(f.all, fmt.Errorf("%s: "+format, append([]any{f.p.Place(key)}, args...)...))
}

// check finds what a profile lacks for a cluster. All faults are in the error.
func check(p profile.Profile) error {
	f := faults{p: p}
	if p.Kubernetes.Image == "" && !p.FromManifest() {
		f.add("kubernetes", "kubernetes.image is missing: add kubernetes: {image: IMAGE} or --kube-image, such as "+
			"nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1")
	}
	f.references("env", p.Env)
	for role, workers := range map[string][]profile.Worker{"prefill": p.Prefill, "decode": p.Decode,
		"aggregated": p.Aggregated} {
		for i, w := range workers {
			f.references(fmt.Sprintf("%s[%d].env", role, i), w.Env)
		}
	}
	if version := versionOf(p); p.Dynamo() && version.Release() && strings.HasPrefix(string(version), "0.") {
		f.add("kubernetes.image", "Dynamo %s has no discovery through Kubernetes: use 1.0 or newer", version)
	}
	if p.Command != nil && strings.Contains(strings.Join(p.Command.Argv, "\n"), "{log}") {
		f.add("command.argv", "a pod has no file for {log}: its log is its output")
	}
	f.model("model", p.Model)
	f.model("tokenizer", p.Tokenizer)
	slices.SortFunc(f.all, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(slices.CompactFunc(f.all, func(a, b error) bool { return a.Error() == b.Error() })...)
}

// versionOf is that of Dynamo, if it is known.
func versionOf(p profile.Profile) plan.Version {
	if named := p.Versions["dynamo"]; named != "" {
		return plan.Version(named)
	}
	return installation(p).Versions.Dynamo
}

// references refuses values of the caller's variables: they would stand in the manifest.
func (f *faults) references(at string, env map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if reference, is := profile.Reference(env[name]); is {
			f.add(at+"."+name, "%s would have the value of %s, and a manifest is public: put it into a Secret, and "+
				"name that in kubernetes.pod: {containers: [{name: main, envFrom: [{secretRef: {name: SECRET}}]}]}",
				name, reference)
		}
	}
}

// model refuses a directory that no volume brings into the pods.
func (f *faults) model(key, model string) {
	if !path.IsAbs(model) || f.p.FromManifest() {
		return
	}
	storage := f.p.Kubernetes.ModelStorage
	if storage == nil || !within(model, storage.Mount) {
		f.add(key, "%s %s is a directory, and the pods have none there: add kubernetes.model_storage with a mount "+
			"above it, such as {host_path: %s}", key, model, path.Dir(model))
	}
}

func within(file, dir string) bool {
	return file == dir || strings.HasPrefix(file, strings.TrimSuffix(dir, "/")+"/")
}
