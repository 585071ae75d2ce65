package result

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestDistinctTellsNamesThatStandTwice(t *testing.T) {
	many := func(n int) string {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`"%d": %d`, i, i))
		}
		return "{" + strings.Join(members, ", ") + "}"
	}
	for _, row := range []struct {
		why  string
		data string
		want bool
	}{
		{"none twice", `{"a": 1, "b": 2}`, true},
		{"twice", `{"a": 1, "a": 2}`, false},
		{"twice around an object", `{"a": {"b": 1, "c": {}}, "a": 2}`, false},
		{"twice around a list of objects", `{"a": [{"b": 1}, {"b": 2}], "a": 2}`, false},
		{"twice deep inside", `{"a": [[{"b": {"c": 1, "c": 2}}]]}`, false},
		{"twice with white space before the colon", "{\"a\" : 1, \"a\"\t\r\n: 2}", false},
		{"the empty name twice", `{"": 1, "": 2}`, false},
		{"in objects side by side", `[{"a": 1}, {"a": 1}]`, true},
		{"in an object and the one around it", `{"a": {"a": {"a": 1}}, "b": 1}`, true},
		{"a value like a name", `{"a": "a", "b": ["a", "a", "b"]}`, true},
		{"braces in texts", `{"{": "}", "}": "{{", "a": 1}`, true},
		{"names that begin alike", `{"effective_prefill_throughput": 1, "effective_decode_throughput": 1, "effective_prefill_throughput_per_user": 1}`, true},
		{"an escape: cannot tell", `{"a": "\n"}`, false},
		{"as many names as are compared", many(maxNames), true},
		{"one more: cannot tell", many(maxNames + 1), false},
		{"a brace too many: not JSON", `{"a": 1}}`, false},
	} {
		if got := distinct([]byte(row.data)); got != row.want {
			t.Errorf("%s: got %t, want %t", row.why, got, row.want)
		}
	}
}

// Where distinct could not tell, the result would be right, but reading half as fast.
func TestDistinctIsSureOfWhatAIPerfWrites(t *testing.T) {
	exports, err := filepath.Glob("testdata/artifacts_root/*/-concurrency*/" + exportName)
	if err != nil || len(exports) == 0 {
		t.Fatal(exports, err)
	}
	for _, path := range exports {
		data, err := new(buffer).load(path)
		if err != nil {
			t.Fatal(err)
		}
		if !distinct(data) {
			t.Errorf("cannot tell whether a name stands twice in %s", path)
		}
	}
}

func TestBufferIsReusedWithoutTrace(t *testing.T) {
	files := map[string]string{"long": strings.Repeat("x", 1000), "short": "yy", "empty": ""}
	root := tree(t, files)
	var b buffer
	for _, name := range []string{"short", "long", "short", "empty", "long", "empty"} {
		got, err := b.load(filepath.Join(root, name))
		if string(got) != files[name] || err != nil {
			t.Errorf("%s: got %d bytes, %v", name, len(got), err)
		}
	}
}

// FuzzDistinct: the tokenizer finds no name twice in a document of which distinct says so.
func FuzzDistinct(f *testing.F) {
	for _, seed := range []string{
		`{"a": 1, "a": 2}`, `{"a": [{"b": "a"}, {"b": {}}], "c" : "{", "a": 2}`, `{"a": "\"", "\u0061": 1}`,
		"{\"\xc3\xa9\": 1, \"e\": [\"a\", {\"e\": \"}\"}]}", `[{"a": 1}, {"a": 1, "b": {"a": 1}}, "a"]`, `}{"a":1`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sure := distinct(data)
		strict, loose := whole(data, false), whole(data, true)
		if sure && loose == nil && strict != nil {
			t.Fatalf("%q: %v", data, strict)
		}
	})
}

// whole reads data as one value.
func whole(data []byte, twice bool) error {
	_, err := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(twice)).ReadValue()
	return err
}
