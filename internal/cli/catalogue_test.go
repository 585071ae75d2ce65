package cli_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every key of testdata/faults.md has a test, and every key in the tree is in that table.
func TestEveryFaultHasAKeyAndATest(t *testing.T) {
	table, err := os.ReadFile("testdata/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([FS]-\w\w) \| \S.* \|$`).FindAllStringSubmatch(string(table), -1) {
		if known[row[1]] {
			t.Errorf("%s is twice in the table", row[1])
		}
		known[row[1]] = true
	}
	tests, mentions := faultKeys(t)
	for key := range known {
		if len(tests[key]) == 0 {
			t.Errorf("%s has no test", key)
		}
	}
	for _, places := range []map[string][]string{tests, mentions} {
		for key, where := range places {
			if !known[key] {
				t.Errorf("%s of %q is not in the table", key, where)
			}
		}
	}
}

// faultKeys are the keys in the tree, each with the files that have it: in a test, which bears it
// in its name or in a comment on its first line, and anywhere. Tests with build tags are included.
func faultKeys(t *testing.T) (tests, mentions map[string][]string) {
	t.Helper()
	test := regexp.MustCompile(`(?m)^func (?:Test|Fuzz)((?:[FS][0-9][0-9A-Z])*)\w*\(.*$`)
	inName, inText := regexp.MustCompile(`[FS]..`), regexp.MustCompile(`\b[FS]-[0-9][0-9A-Z]\b`)
	tests, mentions = map[string][]string{}, map[string][]string{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir() || d.Name() == "faults.md" || d.Name() == "catalogue_test.go":
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range test.FindAllStringSubmatch(string(text), -1) {
			for _, k := range inName.FindAllString(m[1], -1) {
				k = k[:1] + "-" + k[1:]
				tests[k] = append(tests[k], path)
			}
			for _, k := range inText.FindAllString(m[0], -1) {
				tests[k] = append(tests[k], path)
			}
		}
		for _, k := range inText.FindAllString(string(text), -1) {
			mentions[k] = append(mentions[k], path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests, mentions
}
