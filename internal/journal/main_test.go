package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// childMode is the environment variable with the part that the test binary plays when a
// test starts it again.
const childMode = "JOURNAL_TEST_CHILD"

func TestMain(m *testing.M) {
	mode := os.Getenv(childMode)
	if mode == "" {
		m.Run()
		return
	}
	if err := platformChild(mode, os.Args[1]); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ok")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// wantError fails unless the text of err has each of the parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q has no %q", err, part)
		}
	}
}

func journalPath(t *testing.T) string { return filepath.Join(t.TempDir(), Name) }

func open(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(path, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// record writes the events into the journal at path.
func record(t *testing.T, path string, events ...Event) {
	t.Helper()
	j := open(t, path)
	for _, e := range events {
		if err := j.Write(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// kinds are the names of the events in the journal at path.
func kinds(t *testing.T, path string) (all []string) {
	t.Helper()
	records, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		all = append(all, r.Event.Kind())
	}
	return all
}
