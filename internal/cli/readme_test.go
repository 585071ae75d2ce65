package cli

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"topobench/internal/profile"
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

// Every exit code, command, flag and profile key of the program stands in the README.
func TestReadmeIsComplete(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	wanted := []string{"| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 4 |", "| 5 |", "| 6 |", "| 130, 143, 129 |"}
	parser, err := kong.New(&commands{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		wanted = append(wanted, "`topobench "+command.Name)
		for _, group := range command.AllFlags(false) {
			for _, flag := range group {
				wanted = append(wanted, "`--"+flag.Name+"`")
			}
		}
	}
	wanted = append(wanted, profileKeys(reflect.TypeFor[profile.Profile]())...)
	slices.Sort(wanted)
	for _, want := range slices.Compact(wanted) {
		if !strings.Contains(string(readme), want) {
			t.Errorf("the README lacks %s", want)
		}
	}
}

// profileKeys are the keys of a struct and of all structs below it, as the README has
// them.
func profileKeys(of reflect.Type) (keys []string) {
	for field := range of.Fields() {
		if key := field.Tag.Get("yaml"); key != "-" {
			keys = append(keys, "`"+key+"`")
		}
		below := field.Type
		for k := below.Kind(); k == reflect.Pointer || k == reflect.Slice || k == reflect.Map; k = below.Kind() {
			below = below.Elem()
		}
		if below.Kind() == reflect.Struct {
			keys = append(keys, profileKeys(below)...)
		}
	}
	return keys
}
