package programs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/profile"
)

func TestCachedLooksWhereWorkersLook(t *testing.T) {
	home := filepath.Join(t.TempDir(), "a [b]*") // a pattern's characters are part of the name
	snapshot := func(hub string) {
		dir := filepath.Join(hub, "models--Qwen--Qwen3-0.6B", "snapshots", "abc")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	snapshot(filepath.Join(home, ".cache", "huggingface", "hub"))
	snapshot(filepath.Join(home, "hf", "hub"))
	snapshot(filepath.Join(home, "only-hub"))
	snapshot(filepath.Join(home, "xdg", "huggingface", "hub"))
	for _, row := range []struct {
		why  string
		env  map[string]string
		id   string
		want bool
	}{
		{"the default place", map[string]string{"HOME": home}, "Qwen/Qwen3-0.6B", true},
		{"XDG_CACHE_HOME", map[string]string{"HOME": "/x", "XDG_CACHE_HOME": filepath.Join(home, "xdg")}, "Qwen/Qwen3-0.6B", true},
		{"HF_HOME", map[string]string{"HOME": "/x", "HF_HOME": filepath.Join(home, "hf")}, "Qwen/Qwen3-0.6B", true},
		{"HF_HUB_CACHE wins", map[string]string{"HOME": home, "HF_HUB_CACHE": "/nowhere"}, "Qwen/Qwen3-0.6B", false},
		{"HF_HUB_CACHE", map[string]string{"HF_HUB_CACHE": filepath.Join(home, "only-hub")}, "Qwen/Qwen3-0.6B", true},
		{"its old name", map[string]string{"HUGGINGFACE_HUB_CACHE": filepath.Join(home, "only-hub")}, "Qwen/Qwen3-0.6B", true},
		{"another model", map[string]string{"HOME": home}, "Qwen/Qwen3-8B", false},
	} {
		m, ok := ModelOf(profile.Profile{Model: row.id}, getenv(row.env))
		if got := m.Cached(); got != row.want || !ok {
			t.Errorf("%s: %t", row.why, got)
		}
	}
}

func TestModelsAreTheSameInOneCacheOnly(t *testing.T) {
	caller := getenv(map[string]string{"HOME": "/h", "SCRATCH": "/scratch"})
	model := func(own map[string]string) Model {
		m, _ := ModelOf(profile.Profile{Model: "Qwen/Qwen3-0.6B", Env: own}, caller)
		return m
	}
	plain := model(nil)
	for _, row := range []struct {
		why  string
		own  map[string]string
		same bool
	}{
		{"no environment of its own", map[string]string{"NCCL_DEBUG": "INFO"}, true},
		{"the default by its name", map[string]string{"HF_HOME": "/h/.cache/huggingface/"}, true},
		{"another HF_HOME", map[string]string{"HF_HOME": "/data"}, false},
		{"another HF_HUB_CACHE", map[string]string{"HF_HUB_CACHE": "${ENV:SCRATCH}"}, false},
	} {
		if got := model(row.own); (got == plain) != row.same {
			t.Errorf("%s: %v and %v", row.why, got, plain)
		}
	}
	if _, ok := ModelOf(profile.Profile{Model: "/a/directory"}, caller); ok {
		t.Error("a directory is a model to download")
	}
}

func TestModelsThatCannotBeLoadedAreRefused(t *testing.T) {
	for _, row := range []struct {
		why, model string
		own        map[string]string
		environ    map[string]string
		want       string // part of the message; "": it may be tried
	}{
		{"a directory", t.TempDir(), nil, nil, ""},
		{"a directory that is not there", "/no/such/model", nil, nil, "/no/such/model is not a directory"},
		{"an id that can be fetched", "Qwen/Qwen3-0.6B", nil, nil, ""},
		{"an id, offline by the shell", "Qwen/Qwen3-0.6B", nil, map[string]string{"HF_HUB_OFFLINE": "1"}, "hf download Qwen/Qwen3-0.6B"},
		{"an id, offline by the profile", "Qwen/Qwen3-0.6B", map[string]string{"HF_HUB_OFFLINE": "1"}, nil, "hf download"},
		{"offline by a variable that the profile names", "Qwen/Qwen3-0.6B", map[string]string{"HF_HUB_OFFLINE": "${ENV:MINE}"}, map[string]string{"MINE": "1"}, "hf download"},
		{"by one that is not set", "Qwen/Qwen3-0.6B", map[string]string{"HF_HUB_OFFLINE": "${ENV:MINE}"}, map[string]string{"HF_HUB_OFFLINE": "1"}, ""},
		{"the profile's env wins", "Qwen/Qwen3-0.6B", map[string]string{"HF_HUB_OFFLINE": "0"}, map[string]string{"HF_HUB_OFFLINE": "1"}, ""},
	} {
		p := profile.Profile{Source: "p.yaml", Model: row.model, Env: row.own}
		err := CheckModel(p, getenv(row.environ))
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.why, err, row.want)
		}
	}
}

// C15: where the engine puts the weights, and which hub it loads from, are its arguments' and its environment's.
func TestC15ModelsFollowTheArgumentsOfTheEngine(t *testing.T) {
	caller := getenv(map[string]string{"HOME": "/h"})
	p := profile.Profile{Engine: "vllm", Model: "a/b", EngineArgs: []string{"--download_dir=/w", "--revision", "v1"},
		Aggregated: []profile.Worker{{EngineArgs: []string{"--load-format", "dummy", "--revision=v2"}}}}
	want := Model{ID: "a/b", Hub: "/h/.cache/huggingface/hub", Weights: "/w", Revision: "v2", Format: "dummy"}
	if m, ok := ModelOf(p, caller); m != want || !ok {
		t.Errorf("%+v, want %+v", m, want)
	}
	p.Env = map[string]string{"VLLM_USE_MODELSCOPE": "True"}
	if m, ok := ModelOf(p, caller); ok {
		t.Errorf("%+v is of the Hugging Face hub, and vLLM loads from ModelScope", m)
	}
	if err := CheckModel(p, caller); err != nil {
		t.Errorf("ModelScope: %v", err)
	}
}

func TestWeightsAreInTheDownloadDir(t *testing.T) {
	dir := t.TempDir()
	m := Model{ID: "a/b", Hub: dir + "/hub", Weights: dir + "/w"}
	for _, step := range []struct {
		file string
		want bool
	}{{"hub/models--a--b/snapshots/1/config.json", false}, {"w/models--a--b/snapshots/1/model.safetensors", true}} {
		file(t, filepath.Join(dir, step.file), 0o644)
		if got := m.Cached(); got != step.want {
			t.Errorf("with %s: %t", step.file, got)
		}
	}
}

func TestADirectoryWithTheModelsNameIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/Qwen/Qwen3-0.6B", 0o755); err != nil {
		t.Fatal(err)
	}
	for model, want := range map[string]string{"Qwen/Qwen3-0.6B": dir + "/Qwen/Qwen3-0.6B", "Qwen/Qwen3-8B": "", dir: ""} {
		if got := Namesake(profile.Profile{Source: dir + "/p.yaml", Model: model}); got != want {
			t.Errorf("%s: %q, want %q", model, got, want)
		}
	}
}
