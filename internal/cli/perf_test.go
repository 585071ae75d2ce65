package cli

import (
	"path/filepath"
	"testing"
)

// aiperf runs in a directory of its own.
func TestPerfMakesATokenizersDirectoryAbsolute(t *testing.T) {
	here, err := filepath.Abs("dir")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ why, model, tokenizer, want string }{
		{"a directory", "m", "./dir", here},
		{"an id", "m", "Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"},
		{"below the home directory", "m", "~/dir", "/home/u/dir"},
		{"the model's", "Qwen/Qwen3-0.6B", "", "Qwen/Qwen3-0.6B"},
		{"the model's, a directory", "./dir", "", here},
	} {
		c := perfCmd{Model: row.model, Tokenizer: row.tokenizer}
		err := c.resolve(&Env{Environ: []string{"HOME=/home/u"}})
		if err != nil || c.Tokenizer != row.want || c.Model != row.model {
			t.Errorf("%s: tokenizer %q, want %q; model %q (%v)", row.why, c.Tokenizer, row.want, c.Model, err)
		}
	}
}
