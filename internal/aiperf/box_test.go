package aiperf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/text"
)

// The logs are of aiperf 0.13: a tokenizer that is not there, and a variable that it refuses.
func TestTheFirstReasonInABoxOfErrors(t *testing.T) {
	for name, want := range map[string]string{
		"tokenizer.log": "aiperf: Failed to load tokenizer '/models/nosuch': HFValidationError: Repo id must be in the form " +
			"'repo_name' or 'namespace/repo_name': '/models/nosuch'. Use `repo_type` argument if needed.",
		"settings.log": "aiperf: 1 validation error for _HTTPSettings CONNECTION_LIMIT Input should be a valid integer, " +
			"unable to parse string as an integer [type=int_parsing, input_value='abc', input_type=str]",
	} {
		log, err := os.ReadFile(filepath.Join("testdata", "errors", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := boxed(text.Lines(log)); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
	for why, log := range map[string]string{
		"no box":           "10:19:45.781 ERROR    the dataset manager died",
		"a box of figures": "╭─ GPU Telemetry Platform ─╮\n│ Platform: unknown │\n╰──╯",
		"an empty one":     "╭─ Errors ─╮\n╰──╯",
	} {
		if got := boxed(strings.Split(log, "\n")); got != "" {
			t.Errorf("%s: %q", why, got)
		}
	}
}
