package programs

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/profile"
)

// Model is a model id, such as Qwen/Qwen3-0.6B, and the Hugging Face cache that workers load it from. Models that
// compare equal need one download.
type Model struct {
	ID, Hub          string
	Weights          string // --download-dir of the engine: a cache for the weights alone; "" = they are in Hub too
	Revision, Format string // --revision, --load-format; "" = the engine's default
}

// ModelOf is the model of a profile. Its cache is the one that the profile's workers use: HF_HUB_CACHE, else
// HF_HOME, else huggingface below XDG_CACHE_HOME or ~/.cache, in the profile's environment over the caller's. ok is
// false for a directory, for a vLLM that loads from ModelScope, and for engine command, whose server finds its model.
func ModelOf(p profile.Profile, getenv func(string) string) (m Model, ok bool) {
	if filepath.IsAbs(p.Model) || p.Engine == "command" || modelScope(p, getenv) {
		return Model{}, false
	}
	return Model{ID: p.Model, Hub: hub(workerEnv(p, getenv)), Weights: engineArg(p, "download-dir"),
		Revision: engineArg(p, "revision"), Format: engineArg(p, "load-format")}, true
}

// modelScope reports whether vLLM loads models from ModelScope, as it reads the variable.
func modelScope(p profile.Profile, getenv func(string) string) bool {
	value := strings.ToLower(workerEnv(p, getenv)("VLLM_USE_MODELSCOPE"))
	return p.Engine != "mocker" && (value == "true" || value == "1")
}

// engineArg is the value of --name among the arguments of the workers: the last one counts.
func engineArg(p profile.Profile, name string) (value string) {
	args := slices.Clone(p.EngineArgs)
	for _, w := range slices.Concat(p.Prefill, p.Decode, p.Aggregated) {
		args = append(args, w.EngineArgs...)
	}
	for _, o := range profile.Options(args) {
		if o.Name == name {
			value = o.Value
		}
	}
	return value
}

// hub is the directory of the Hugging Face cache.
func hub(getenv func(string) string) string {
	cache := cmp.Or(getenv(XDGVariable), filepath.Join(getenv("HOME"), ".cache"))
	home := cmp.Or(getenv("HF_HOME"), filepath.Join(cache, "huggingface"))
	hub := cmp.Or(getenv("HF_HUB_CACHE"), getenv("HUGGINGFACE_HUB_CACHE"), filepath.Join(home, "hub"))
	return filepath.Clean(hub)
}

// TokenizerOf is the tokenizer of a profile; remote lets its own Python run. aiperf has the HF_* of the profile.
func TokenizerOf(p profile.Profile, remote bool, getenv func(string) string) Tokenizer {
	return Tokenizer{Name: cmp.Or(p.Tokenizer, p.Model), Hub: hub(workerEnv(p, getenv)), Remote: remote}
}

// Cached reports whether the model is in its cache. A snapshot without config.json does not count, nor does one whose
// weights belong in another cache and are not there.
func (m Model) Cached() bool {
	has := func(cache, file string) bool {
		folder := "models--" + strings.ReplaceAll(m.ID, "/", "--")
		found, err := fs.Glob(os.DirFS(cache), folder+"/snapshots/*/"+file)
		return err == nil && len(found) > 0
	}
	weights := m.Weights == "" || m.Format == "dummy" || has(m.Weights, "*.safetensors") || has(m.Weights, "*.bin") ||
		has(m.Weights, "*.pt")
	return has(m.Hub, "config.json") && weights
}

// workerEnv looks variables up as a worker of the profile sees them.
func workerEnv(p profile.Profile, getenv func(string) string) func(string) string {
	return func(name string) string {
		own, set := p.Env[name]
		if !set {
			return getenv(name)
		}
		if other, ok := profile.Reference(own); ok {
			return getenv(other)
		}
		return own
	}
}

// CheckModel refuses a model that no worker could load: a directory that cannot be read, or an id that is not
// cached while HF_HUB_OFFLINE is set.
func CheckModel(p profile.Profile, getenv func(string) string) error {
	m, ok := ModelOf(p, getenv)
	if p.Engine == "command" && !filepath.IsAbs(p.Model) {
		return nil
	}
	if filepath.IsAbs(p.Model) {
		if info, err := os.Stat(p.Model); err != nil || !info.IsDir() {
			return fmt.Errorf("%s: model %s is not a directory that can be read; correct the path "+
				"(make tools creates the model of the demos)", p.Source, p.Model)
		}
		return nil
	}
	if !ok {
		return nil
	}
	offline := workerEnv(p, getenv)("HF_HUB_OFFLINE")
	if offline != "" && offline != "0" && !m.Cached() {
		return fmt.Errorf("%s: model %s is not in the Hugging Face cache %s, and HF_HUB_OFFLINE forbids "+
			"the download; run hf download %s on a machine with a network", p.Source, p.Model, m.Hub, p.Model)
	}
	return nil
}

// Namesake is a directory beside the profile, or here, that has the name of its model; "" = none.
func Namesake(p profile.Profile) string {
	if filepath.IsAbs(p.Model) {
		return ""
	}
	for _, beside := range []string{filepath.Dir(p.Source), "."} {
		dir, err := filepath.Abs(filepath.Join(beside, p.Model))
		if info, fault := os.Stat(dir); err == nil && fault == nil && info.IsDir() {
			return dir
		}
	}
	return ""
}

// Interpreter is the Python that runs a tool: path itself for an interpreter, else the one that a script's first
// line names, or a shell script around it leads to; "" = unknown.
func (p Prober) Interpreter(t Tool, path string) string {
	if t == Python {
		return path
	}
	python, _ := p.python(path)
	return python
}
