package plan

import (
	"strings"
	"testing"
)

// directives reads nginx.conf the way nginx does, as far as our templates go: a
// directive is its blocks and its words, as in "http > server > listen 8000".
func directives(t *testing.T, text string) []string {
	t.Helper()
	var found, blocks, words []string
	end := func() {
		found = append(found, strings.Join(append(append([]string{}, blocks...), strings.Join(words, " ")), " > "))
		words = nil
	}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for _, sign := range []string{"{", "}", ";"} {
			line = strings.ReplaceAll(line, sign, " "+sign+" ")
		}
		for _, word := range strings.Fields(line) {
			switch word {
			case ";":
				end()
			case "{":
				blocks, words = append(blocks, strings.Join(words, " ")), nil
			case "}":
				if len(words) > 0 || len(blocks) == 0 {
					t.Fatalf("a block ends after %q", words)
				}
				blocks = blocks[:len(blocks)-1]
			default:
				words = append(words, word)
			}
		}
	}
	if len(blocks)+len(words) > 0 {
		t.Fatalf("the file ends inside %q %q", blocks, words)
	}
	return found
}
