package cli

import (
	"strings"
	"testing"

	"topobench/internal/profile"
)

func TestModelsThatCannotBeLoadedAreRefused(t *testing.T) {
	for _, row := range []struct {
		why, model string
		own        map[string]string
		environ    []string
		want       string // part of the message; "": it may be tried
	}{
		{"a directory", t.TempDir(), nil, nil, ""},
		{"a directory that is not there", "/no/such/model", nil, nil, "/no/such/model is not a directory"},
		{"an id that can be fetched", "Qwen/Qwen3-0.6B", nil, nil, ""},
		{"an id, offline by the shell", "Qwen/Qwen3-0.6B", nil, []string{"HF_HUB_OFFLINE=1"}, "hf download Qwen/Qwen3-0.6B"},
		{"an id, offline by the profile", "Qwen/Qwen3-0.6B", map[string]string{"HF_HUB_OFFLINE": "1"}, nil, "hf download"},
		{"offline by a variable that the profile names", "Qwen/Qwen3-0.6B", map[string]string{"HF_HUB_OFFLINE": "${ENV:MINE}"}, []string{"MINE=1"}, "hf download"},
		{"by one that is not set", "Qwen/Qwen3-0.6B", map[string]string{"HF_HUB_OFFLINE": "${ENV:MINE}"}, []string{"HF_HUB_OFFLINE=1"}, ""},
		{"the profile's env wins", "Qwen/Qwen3-0.6B", map[string]string{"HF_HUB_OFFLINE": "0"}, []string{"HF_HUB_OFFLINE=1"}, ""},
	} {
		p := profile.Profile{Source: "p.yaml", Model: row.model, Env: row.own}
		err := checkModel(p, &Env{Environ: append(row.environ, "HOME=/nowhere")})
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.why, err, row.want)
		}
	}
}
