package profile

import (
	"strings"
	"testing"
)

func TestTextThatIsNoProfileIsRefused(t *testing.T) { // F-82, F-85, F-86
	checkRows(t, []row{
		{"an empty file", "", "1:1", words("empty", "engine")},
		{"only a comment", "# nothing\n", "1:1", words("empty")},
		{"only a document mark", "---\n", "2:1", words("empty")},
		{"a second document", valid + "---\nname: b\n", "6:1", words("second document")},
		{"a second document that is empty", valid + "---\n", "6:1", words("second document")},
		{"a second document that is no YAML", valid + "---\n[\n", "7:1", words("not YAML")},
		{"a list", "- a\n", "1:1", words("mapping", "a list")},
		{"a word", "hello\n", "1:1", words("mapping", "hello")},
		{"an open bracket", valid + "env: {A: b\n", "6:1", words("not YAML")},
		{"a tab for indentation", valid + "load:\n\tisl: 5\n", "7:1", words("not YAML", "tab")},
		{"an open bracket on the first line", "[", "1:1", words("not YAML")},
		{"more than a mebibyte", valid + "# " + strings.Repeat("x", 1<<20), "1:1", words("larger than 1 MiB")},
		{"20000 nested brackets", valid + "x: " + strings.Repeat("[", 20000), "6:1", words("not YAML", "depth")},
		{"a byte that is not UTF-8", valid + "# caf\xe9\n", "6:6", words("0xe9", "UTF-8")},
		{"UTF-16", "\xff\xfen\x00a\x00", "1:1", words("UTF-16")},
		{"UTF-16 without a mark", "n\x00a\x00", "1:2", words("U+0000")},
		{"a byte order mark", "\xef\xbb\xbf" + valid, "1:1", words("byte order mark")},
		{"a NUL after an umlaut counts characters", valid + "# ü\x00\n", "6:4", words("U+0000")},
		{"an escape character", valid + "# \x1b[31m\n", "6:3", words("U+001B")},
		{"a control character by escape", valid + `served_name: "a\0b"`, "6:14", words("control character")},
		{"an unknown anchor", valid + "served_name: *nobody\n", "6:14", words("nobody", "anchor")},
	})
}

func TestTagsAreRefusedEverywhere(t *testing.T) { // F-87
	checkRows(t, []row{
		{"binary", valid + "served_name: !!binary aGVsbG8=\n", "6:14", words("!!binary")},
		{"a private tag", valid + "served_name: !foo tiny\n", "6:14", words("!foo")},
		{"a harmless one", valid + "nice: !!int 5\n", "6:7", words("!!int")},
		{"on a list", valid + "engine_args: !!set [a]\n", "6:14", words("!!set")},
		{"in the anchors' place", valid + "x: {a: !foo b}\n", "6:8", words("!foo")},
	})
}

func TestAliasBombRunsOutInsteadOfExploding(t *testing.T) { // F-85
	args := "engine_args: &args [" + strings.Repeat("v,", 5000) + "]\n"
	checkRows(t, []row{
		{"lists in many workers", "name: a\nkind: b\nengine: vllm\nmodel: m\n" + args + "balancer: {}\naggregated:\n" +
			strings.Repeat("  - {engine_args: *args}\n", 3), "1:1", words("10000 values")},
		{"merges of merges", bombOfMerges(), "1:1", words("10000 values")},
		{"a mapping merged into itself, wide and deep", "&a\n<<: [" + strings.Repeat("*a,", 50_000) + "]\n", "1:1", words("10000 values")},
		{"very many workers", head("vllm") + "x: &w {cuda_visible_devices: [0]}\naggregated: [" + strings.Repeat("*w,", 50_000) + "]\n", "1:1", words("10000 values")},
		{"a mapping merged into itself", "&a\n<<: *a\nname: a\n", "1:1", words("10000 values")},
	})
	harmless := strings.Replace(bombOfMerges(), "env: *a4", "env: *a0", 1)
	if p := mustParse(t, harmless); p.Env["V"] != "v" {
		t.Error("a bomb among the anchors that nothing uses must not matter")
	}
}

// bombOfMerges has a variable whose table is merged from 40 x 40 x 40 x 40 others.
func bombOfMerges() string {
	var b strings.Builder
	b.WriteString(valid + "x:\n  - &a0 {V: v}\n")
	for i := range 4 {
		from := "*a" + string(rune('0'+i)) + ","
		b.WriteString("  - &a" + string(rune('1'+i)) + " {<<: [" + strings.Repeat(from, 40) + "]}\n")
	}
	return b.String() + "env: *a4\n"
}
