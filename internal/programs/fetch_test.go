package programs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"topobench/internal/programs"
)

// hubStub is a huggingface_hub that lists what HUB has, {file: size}, and notes what is to be downloaded.
const hubStub = `
import json, os, types
constants = types.SimpleNamespace(HF_HUB_CACHE=os.environ["CACHE"])
class HfApi:
    def model_info(self, name, revision=None, files_metadata=False):
        if not os.environ["HUB"].startswith("{"):
            raise OSError(os.environ["HUB"] + "\n\nsome more advice\n")
        sizes = json.loads(os.environ["HUB"])
        return types.SimpleNamespace(siblings=[types.SimpleNamespace(rfilename=f, size=n) for f, n in sizes.items()])
def try_to_load_from_cache(name, f, cache_dir=None, revision=None):
    return "/there" if f in os.environ.get("THERE", "").split() else None
def snapshot_download(name, revision=None, cache_dir=None, allow_patterns=None):
    with open(os.environ["NOTES"], "a") as notes:
        print(json.dumps([name, revision or "", cache_dir or "", sorted(allow_patterns)]), file=notes)
`

// hubBed is a bed whose Python imports the stub.
func hubBed(t *testing.T) (b *bed, python, notes string) {
	b = newBed(t)
	python, err := exec.LookPath("python3")
	b.check(err) // the set-up requires it
	stub, notes := filepath.Join(b.dir, "stub"), filepath.Join(b.dir, "notes")
	b.check(errors.Join(os.MkdirAll(filepath.Join(stub, "huggingface_hub"), 0o755),
		os.WriteFile(filepath.Join(stub, "huggingface_hub", "__init__.py"), []byte(hubStub), 0o644)))
	b.prober.Environ = append(b.prober.Environ, "PYTHONPATH="+stub, "CACHE="+b.dir, "NOTES="+notes)
	return b, python, notes
}

// C15: a repository has weights several times; only what the engine loads is fetched, to where it looks.
func TestC15OnlyWhatTheEngineLoadsIsFetched(t *testing.T) {
	b, python, notes := hubBed(t)
	both := `{"config.json": 1, "tokenizer.json": 2, "modeling_x.py": 1, "model.safetensors": 9, "pytorch_model.bin": 9,
	 "model.onnx": 9, "x.gguf": 9, "original/consolidated.00.pth": 9, "metal/model.bin": 9, "metal/model.safetensors": 9}`
	all := []string{"config.json", "model.safetensors", "modeling_x.py", "tokenizer.json"}
	small := []string{"config.json", "modeling_x.py", "tokenizer.json"}
	for _, row := range []struct {
		why, hub string
		model    programs.Model
		want     [][]any // name, revision, cache, files
	}{
		{"safetensors before bin", both, programs.Model{ID: "a/b"}, [][]any{{"a/b", "", "", all}}},
		{"bin alone", `{"config.json": 1, "pytorch_model.bin": 9}`, programs.Model{ID: "a/b", Format: "auto"},
			[][]any{{"a/b", "", "", []string{"config.json", "pytorch_model.bin"}}}},
		{"no weights", both, programs.Model{ID: "a/b", Format: "dummy"}, [][]any{{"a/b", "", "", small}}},
		{"--download-dir", both, programs.Model{ID: "a/b", Weights: "/w", Revision: "v2"},
			[][]any{{"a/b", "v2", "", small}, {"a/b", "v2", "/w", []string{"model.safetensors"}}}},
		{"a format of its own", `{"config.json": 1, "x.gguf": 9}`, programs.Model{ID: "a/b", Format: "gguf"},
			[][]any{{"a/b", "", "", []string{"config.json", "x.gguf"}}}},
	} {
		_ = os.Remove(notes)
		p := b.prober
		p.Environ = append(slices.Clone(p.Environ), "HUB="+row.hub)
		b.check(p.Fetch(t.Context(), python, row.model, filepath.Join(b.dir, "fetch.log")))
		var want []string
		for _, call := range row.want {
			line, err := json.Marshal(call)
			b.check(err)
			want = append(want, string(line))
		}
		got, err := os.ReadFile(notes)
		b.check(err)
		if lines := strings.ReplaceAll(strings.TrimSpace(string(got)), ", ", ","); lines != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", row.why, lines, strings.Join(want, "\n"))
		}
	}
}

// A download that does not fit is refused before its first byte; what is there already does not count.
func TestADownloadThatDoesNotFitIsRefused(t *testing.T) {
	b, python, notes := hubBed(t)
	b.prober.Environ = append(b.prober.Environ, `HUB={"config.json": 1, "model.safetensors": 1125899906842624}`)
	err := b.prober.Fetch(t.Context(), python, programs.Model{ID: "a/b"}, filepath.Join(b.dir, "fetch.log"))
	if err == nil || !strings.Contains(err.Error(), "1048576.0 GiB have to be downloaded, and "+b.dir) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(notes); err == nil {
		t.Error("the download was begun")
	}
	b.prober.Environ = append(b.prober.Environ, "THERE=model.safetensors")
	b.check(b.prober.Fetch(t.Context(), python, programs.Model{ID: "a/b"}, filepath.Join(b.dir, "fetch.log")))
}

// A look finds what the download would meet, and downloads nothing.
func TestALookAtTheHubPredictsTheDownload(t *testing.T) {
	b, python, notes := hubBed(t)
	for _, row := range []struct{ why, hub, want string }{ // "" = it can be had
		{"listed", `{"config.json": 1, "model.safetensors": 9}`, ""},
		{"too large", `{"config.json": 1, "model.safetensors": 1125899906842624}`, "1048576.0 GiB have to be downloaded"},
		{"no hub", `Name or service not known`, "set HTTPS_PROXY"}, // the stub fails as it reads this
		{"no such model", `RepositoryNotFoundError`, "check model in the profile"},
	} {
		p := b.prober
		p.Environ = append(slices.Clone(p.Environ), "HUB="+row.hub)
		err := p.Available(t.Context(), python, programs.Model{ID: "a/b", Hub: "/hub"})
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.why, err, row.want)
		}
	}
	if _, err := os.Stat(notes); err == nil {
		t.Error("a look has downloaded")
	}
}

// The real huggingface_hub of the tool cache, against a hub on loopback.
func TestFetchWithTheRealLibrary(t *testing.T) {
	found, err := programs.Search{Getenv: os.Getenv}.Find(programs.AIPerf)
	if err != nil {
		t.Skipf("aiperf is not here (make tools): %v", err)
	}
	b := newBed(t)
	const commit = "0123456789012345678901234567890123456789"
	var asked []string
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/tree/") {
			fmt.Fprint(w, `[{"type": "file", "path": "config.json", "size": 2, "oid": "1"}, {"type": "file", "path": "model.safetensors",
				"size": 2, "oid": "2"}, {"type": "file", "path": "metal/model.safetensors", "size": 2, "oid": "3"}]`)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			fmt.Fprintf(w, `{"id": "a/b", "modelId": "a/b", "sha": %q, "siblings": [{"rfilename": "config.json", "size": 2},
				{"rfilename": "model.safetensors", "size": 2}, {"rfilename": "metal/model.safetensors", "size": 2}]}`, commit)
			return
		}
		if r.Method == http.MethodGet {
			asked = append(asked, filepath.Base(filepath.Dir(r.URL.Path))+"/"+filepath.Base(r.URL.Path))
		}
		w.Header().Set("X-Repo-Commit", commit)
		w.Header().Set("ETag", `"`+fmt.Sprintf("%x", r.URL.Path)+`"`)
		w.Header().Set("Content-Length", "2")
		fmt.Fprint(w, "{}")
	}))
	defer hub.Close()
	p := programs.Prober{Environ: append(b.prober.Environ, "HF_ENDPOINT="+hub.URL, "HOME="+b.dir, "PATH="+os.Getenv("PATH"),
		"HF_HUB_DISABLE_XET=1", "HF_HUB_DISABLE_TELEMETRY=1")}
	weights := filepath.Join(b.dir, "weights")
	m := programs.Model{ID: "a/b", Hub: filepath.Join(b.dir, ".cache", "huggingface", "hub"), Weights: weights}
	b.check(p.Fetch(t.Context(), p.Interpreter(programs.AIPerf, found[programs.AIPerf].Path), m, filepath.Join(b.dir, "fetch.log")))
	slices.Sort(asked)
	if want := []string{commit + "/config.json", commit + "/model.safetensors"}; !slices.Equal(asked, want) || !m.Cached() {
		t.Errorf("fetched %q, want %q; cached: %t", asked, want, m.Cached())
	}
}
