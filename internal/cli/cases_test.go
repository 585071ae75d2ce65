package cli_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each case of nodes in use (testdata/cases.tsv: id and what holds) is a test by its id.
func TestEveryCaseHasATest(t *testing.T) {
	table, err := os.ReadFile("testdata/cases.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		code.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		id, _, _ := strings.Cut(line, "\t")
		if !regexp.MustCompile(`(?m)^func Test\w*` + id + `[A-Z]`).MatchString(code.String()) {
			t.Errorf("no test has the id %s in its name", id)
		}
	}
}
