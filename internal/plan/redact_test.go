package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestS02PublishedServicesHaveNoSecret(t *testing.T) {
	s := Service{
		Argv:      []string{"vllm", "serve", "m", "--api-key", "topsecret1", "--hf-token=topsecret2", "--dtype", "auto", "--port", "1"},
		Env:       []string{"VLLM_PORT=1", "MY_PASSWORD=topsecret3", "MINE=${ENV:THEIRS}", "PATH=/opt/bin:${ENV:PATH}", "PROXY=http://u:topsecret6@h"},
		Variables: map[string]string{"MY_PASSWORD": "topsecret3", "MINE": "${ENV:THEIRS}"},
	}
	caller := []string{"HOME=/home/topsecret4", "PWD=/home/topsecret4", "THEIRS=topsecret5", "PATH=/bin", "UCX_TLS=tcp", "NCCL_KEY=topsecret7"}
	argv := []string{"vllm", "serve", "m", "--api-key", "(secret)", "--hf-token=(secret)", "--dtype", "auto", "--port", "1"}
	if diff := cmp.Diff(argv, PublicArgv(s)); diff != "" {
		t.Error(diff)
	}
	if slices.Contains(s.Argv, "(secret)") {
		t.Error("the service itself has lost its secret")
	}
	env := PublicEnviron(s, caller)
	if got := strings.Join(env, "\n"); strings.Contains(got, "topsecret") {
		t.Error(got)
	}
	for _, want := range []string{"VLLM_PORT=1", "MY_PASSWORD=(secret)", "MINE=${ENV:THEIRS}", "PATH=/opt/bin:/bin", "UCX_TLS=tcp",
		"HOME=(inherited)", "PWD=(inherited)", "PROXY=http://h"} {
		if !slices.Contains(env, want) {
			t.Errorf("%q lacks %q", env, want)
		}
	}
	text := Public("args: [--api-key, topsecret1, --hf-token=topsecret2]\nenv: {MY_PASSWORD: topsecret3, PROXY: 'http://u:topsecret6@h'}\n",
		Plan{Services: []Service{s}})
	if strings.Contains(text, "topsecret") || !strings.Contains(text, "--api-key, (secret)") {
		t.Error(text)
	}
}
