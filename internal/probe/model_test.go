package probe

import (
	"os"
	"path/filepath"
	"testing"
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
	for _, row := range []struct {
		why  string
		env  map[string]string
		id   string
		want bool
	}{
		{"the default place", map[string]string{"HOME": home}, "Qwen/Qwen3-0.6B", true},
		{"HF_HOME", map[string]string{"HOME": "/x", "HF_HOME": filepath.Join(home, "hf")}, "Qwen/Qwen3-0.6B", true},
		{"HF_HUB_CACHE wins", map[string]string{"HOME": home, "HF_HUB_CACHE": "/nowhere"}, "Qwen/Qwen3-0.6B", false},
		{"HF_HUB_CACHE", map[string]string{"HF_HUB_CACHE": filepath.Join(home, "only-hub")}, "Qwen/Qwen3-0.6B", true},
		{"another model", map[string]string{"HOME": home}, "Qwen/Qwen3-8B", false},
	} {
		if got := Cached(func(name string) string { return row.env[name] }, row.id); got != row.want {
			t.Errorf("%s: %t", row.why, got)
		}
	}
}
