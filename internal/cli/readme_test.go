package cli

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each ```console block of the README is run, and prints what the README says.
func TestReadmeBlocks(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```console\n\\$ topobench ([^\n]*)\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) == 0 {
		t.Fatal("the README has no console block")
	}
	for _, block := range blocks {
		var out, faults bytes.Buffer
		code := Main(strings.Fields(block[1]), &Env{Stdout: &out, Stderr: &faults, Screen: &faults, Environ: []string{"HOME=/home/u"}})
		if diff := cmp.Diff(block[2], out.String()); diff != "" || code != codeOK {
			t.Errorf("topobench %s: exit %d (-README +printed):\n%s%s", block[1], code, diff, faults.String())
		}
	}
}

// Every exit code and every command of the program stands in the README.
func TestReadmeIsComplete(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"`topobench run PROFILE...`", "`topobench plan PROFILE...`", "`topobench up PROFILE`", "`topobench perf`", "`topobench plot`", "`topobench profiles [NAME]`",
		"| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 4 |", "| 5 |", "| 6 |", "| 130, 143, 129 |"} {
		if !strings.Contains(string(readme), want) {
			t.Errorf("the README lacks %s", want)
		}
	}
}
