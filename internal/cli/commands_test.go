package cli

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// TestEveryCommandRuns finds a Run method whose parameters kong cannot bind,
// which shows only when the command is run.
func TestEveryCommandRuns(t *testing.T) {
	rows := map[string]struct {
		args string
		code int
		says string
	}{
		"Run":      {"run nonesuch", codeUsage, "cannot find profile nonesuch"},
		"Plan":     {"plan nonesuch", codeUsage, "cannot find profile nonesuch"},
		"Up":       {"up nonesuch", codeUsage, "cannot find profile nonesuch"},
		"Perf":     {"perf --url nonsense --tp 1 --dp 1", codeUsage, "--url \"nonsense\" is not http://host:port"},
		"Doctor":   {"doctor nonesuch", codeUsage, "cannot find profile nonesuch"},
		"Clean":    {"clean", codeOK, "nothing is left"},
		"Plot":     {"plot --artifacts-root-dir " + t.TempDir(), codeFailed, "no artifacts_N directory"},
		"Compare":  {"compare " + t.TempDir() + " " + t.TempDir(), codeFailed, "no artifacts_N directory"},
		"Profiles": {"profiles demo-agg", codeOK, "name: demo-agg"},
		"Agent":    {"agent", codeUsage, "missing flags: --run"},
		"Help":     {"help rules", codeOK, "Exit codes"},
		"Version":  {"--version", codeOK, "topobench "},
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[commands]()) {
		if field.Anonymous {
			continue
		}
		row, known := rows[field.Name]
		if !known {
			t.Errorf("command %s has no row here", field.Name)
			continue
		}
		t.Run(field.Name, func(t *testing.T) {
			var out bytes.Buffer
			code := Main(strings.Fields(row.args), &Env{Stdout: &out, Stderr: &out, Screen: &out, Environ: []string{tempVariable + "=" + shortDir(t)}})
			if code != row.code || !strings.Contains(out.String(), row.says) {
				t.Errorf("topobench %s: exit %d, want %d; it says\n%s\nand not %q", row.args, code, row.code, &out, row.says)
			}
		})
	}
}

// TestUntold: what a person has read already is not told again, and hides nothing.
func TestUntold(t *testing.T) {
	told, news := &reportedError{code: codePartial}, errors.New("DIRTY")
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"nothing but the result", told, ""},
		{"news beside the result", errors.Join(news, told), "DIRTY"},
		{"news in the result's shadow, one join deeper", errors.Join(errors.Join(news, nil), told), "DIRTY"},
		{"no result", news, "DIRTY"},
	} {
		got := ""
		if err := unreported(row.err); err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%s: %q, not %q", row.name, got, row.want)
		}
	}
}
