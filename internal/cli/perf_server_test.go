package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/plan"
	"topobench/internal/preflight"
)

// All faults of the server at once, before anything starts.
func TestPerfChecksItsServer(t *testing.T) {
	for _, row := range []struct {
		why, url, key string
		environ       []string
		want          []string // parts of the error; nil = none
	}{
		{"a base", "http://127.0.0.1:8000", "", nil, nil},
		{"with /v1", "http://127.0.0.1:8000/v1", "", nil, nil},
		{"no URL", "nonsense", "NOPE", nil, []string{"is not http://host:port", "--api-key-env NOPE"}},
		{"C09: IPv6", "http://[::1]:8000", "", nil, []string{"::1 has an IPv6 address only", "aiperf uses IPv4"}},
		{"C09: IPv6, and so is aiperf", "http://[::1]:8000", "", []string{"AIPERF_HTTP_IP_VERSION=6"}, nil},
		{"C09: either version", "http://[::1]:8000", "", []string{"AIPERF_HTTP_IP_VERSION=auto"}, nil},
		{"C09: IPv4, and aiperf is not", "http://127.0.0.1:8000", "", []string{"AIPERF_HTTP_IP_VERSION=6"}, []string{"IPv4 address only"}},
		{"C10: fewer connections than requests", "http://127.0.0.1:8000", "", []string{"AIPERF_HTTP_CONNECTION_LIMIT=4"}, []string{"is 4", "16 requests"}},
		{"C12: a key", "http://127.0.0.1:8000", "KEY", []string{"KEY=abc"}, nil},
		{"C12: no key", "http://127.0.0.1:8000", "KEY", nil, []string{"KEY: that variable is not set"}},
		{"C12: the key itself", "http://127.0.0.1:8000", "sk-abc", nil, []string{"not the name of a variable"}},
		{"a password and a query", "http://u:hidden@127.0.0.1:8000?x=1", "", nil, []string{"--url has a user", "--url has a query"}},
	} {
		c := perfCmd{URL: row.url, APIKeyEnv: row.key, Concurrency: levels{1, 16}}
		err := c.checkServer(t.Context(), &Env{Environ: row.environ})
		if (err == nil) != (row.want == nil) {
			t.Errorf("%s: %v", row.why, err)
			continue
		}
		for _, part := range row.want {
			if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%s: %v, want %q", row.why, err, part)
			}
		}
	}
}

// The key reaches aiperf's environment by the name of the caller's variable, and only an aiperf that keeps it secret.
func TestC12PerfSendsAKeyOnlyThroughPython(t *testing.T) {
	script := filepath.Join(t.TempDir(), "aiperf")
	if err := os.WriteFile(script, []byte("#!/venv/bin/python3\nimport aiperf\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		why, program string
		version      plan.Version
		want         string // "" = the key is sent
	}{
		{"a Python script", script, "0.13.0", ""},
		{"an aiperf that writes it into its results", script, "0.6.0", "aiperf 0.6.0 writes the headers"},
		{"no Python script", "/bin/sh", "0.13.0", "/bin/sh is no Python script"},
	} {
		c := perfCmd{APIKeyEnv: "KEY"}
		p := preflight.Topology{Programs: plan.Programs{AIPerf: row.program}, Plan: plan.Plan{Versions: plan.Versions{AIPerf: row.version}}}
		got, err := c.withKey(&p, &Env{Environ: []string{"KEY=abc"}})
		switch {
		case row.want == "" && (err != nil || got.Load.Python != "/venv/bin/python3"):
			t.Errorf("%s: %q, %v", row.why, got.Load.Python, err)
		case row.want != "":
			if _, usage := errors.AsType[*usageError](err); !usage || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%s: %v, want %q", row.why, err, row.want)
			}
		default:
			env, missing := plan.Environ([]string{"KEY=abc"}, got.Load.Env)
			if len(missing) > 0 || !strings.Contains(strings.Join(env, " "), "TOPOBENCH_API_KEY=abc") {
				t.Errorf("%s: aiperf gets %q, missing %q", row.why, env, missing)
			}
			if text := strings.Join(got.Load.Argv(1, "d"), " "); strings.Contains(text, "abc") || strings.Contains(text, "NOT USED") {
				t.Errorf("%s: arguments %s", row.why, text)
			}
		}
	}
}
