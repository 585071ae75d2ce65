package plan

import (
	"strings"
	"testing"
)

// A page is sent around: no secret of a profile may be in it.
func TestPublicHasNoSecretOfALog(t *testing.T) {
	p := Plan{Services: []Service{{
		Argv: []string{"vllm", "serve", "m", "--api-key", "alpha-1", "--served-api-key=beta-2", "--port", "8000"},
		Env:  []string{"MY_TOKEN=gamma-3", "THREADS=16", "OTHER_KEY=${ENV:OTHER_KEY}", "EOS_TOKEN=200"},
	}}}
	for text, want := range map[string]string{
		"api_key='alpha-1' beta-2 gamma-3":   "api_key='(secret)' (secret) (secret)",
		"port 8000, 16 threads":              "port 8000, 16 threads",
		"HTTP 200":                           "HTTP 200", // too short for a secret
		"OTHER_KEY=${ENV:OTHER_KEY}":         "OTHER_KEY=${ENV:OTHER_KEY}",
		"token hf_0123456789abcdef rejected": "token (secret) rejected",
		"http://user:pw@hub.test/x":          "http://hub.test/x",
		"redis://u:p@ss@hub.test/x":          "redis://hub.test/x",
		`{"a":"http://h","b":"x@y"}`:         `{"a":"http://h","b":"x@y"}`,
		`{"api_key":"delta-4","n":1}`:        `{"api_key":"(secret)","n":1}`,
		`"{\"password\": \"epsilon-5\"}"`:    `"{\"password\": \"(secret)\"}"`,
		"host=db password=zeta-6 port=1":     "host=db password=(secret) port=1",
		"Authorization: Bearer eta-7890":     "Authorization: Bearer (secret)",
		"Authorization: Bearer NOT USED":     "Authorization: Bearer NOT USED",
		`{"max_tokens":"4096"}`:              `{"max_tokens":"4096"}`,
	} {
		if got := Public(text, p); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// S-02: a secret inside a value is cut out of the command, the environment and the settings of a published launch.
func TestS02NoSecretInsideAValue(t *testing.T) {
	args := []string{"--otlp-traces-endpoint=http://u:topsecret1@h:1", "--kv-transfer-config",
		`{"url":"redis://u:topsecret2@h/0","password":"topsecret3","kv_buffer_size":1}`}
	variables := map[string]string{"VLLM_STORE": "redis://u:top@secret4@h/0", "DB_PASS": "topsecret5", "OUR_APIKEY": "topsecret6",
		"VLLM_PAT": "topsecret0",
		"DSN":      "host=db password=topsecret7", "HEADERS": "Authorization: Bearer topsecret8"}
	s := Service{Argv: args, Variables: variables}
	for name, value := range variables {
		s.Env = append(s.Env, name+"="+value)
	}
	all := append(PublicArgv(s), PublicEnviron(s, []string{"HF_AUTH=topsecret9"})...)
	for name, value := range variablesOf(s, []string{"HF_AUTH=topsecret9"}) {
		all = append(all, name+"="+value)
	}
	for name, value := range engineOptions(args) {
		all = append(all, name+"="+value)
	}
	got := strings.Join(all, "\n")
	if strings.Contains(got, "secret1") || strings.Contains(strings.ReplaceAll(got, withheld, ""), "secret") {
		t.Error(got)
	}
	if !strings.Contains(got, `"password":"(secret)","kv_buffer_size":1`) || !strings.Contains(got, "endpoint=http://h:1") {
		t.Errorf("more than the secrets is gone:\n%s", got)
	}
}
