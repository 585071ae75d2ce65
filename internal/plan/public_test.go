package plan

import "testing"

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
	} {
		if got := Public(text, p); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
