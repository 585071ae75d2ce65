package cli

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
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

// Every exit code with its meaning, every command and every topic of help is in the README; help has the rest.
func TestReadmeIsComplete(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var wanted []string
	for _, e := range exits() {
		wanted = append(wanted, fmt.Sprintf("| %d | %s |", e.code, e.meaning))
	}
	parser, err := kong.New(&commands{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		if command.Hidden {
			continue
		}
		wanted = append(wanted, "`topobench "+command.Name)
	}
	for _, topic := range topics() {
		wanted = append(wanted, topic.name)
	}
	for _, want := range wanted {
		if !strings.Contains(string(readme), want) {
			t.Errorf("the README lacks %s", want)
		}
	}
}
