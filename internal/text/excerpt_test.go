package text

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEndsKeepsTheCause(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"123456789", "123456789"},
		{"1234567890", "123 ... 567890"},
		{"äöüß\n€789x0", "äöü ... €789x0"},
	} {
		if got := Ends(row.in, 9); got != row.want {
			t.Errorf("%q became %q, want %q", row.in, got, row.want)
		}
	}
}

func TestMessageOfAnErrorBody(t *testing.T) {
	nginx := "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway Time-out" +
		"</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
	for _, row := range []struct{ why, body, want string }{
		{"the page of nginx", nginx, "504 Gateway Time-out"},
		{"a page inside other text", "message='" + strings.TrimSpace(nginx) + "', url='http://h/'", "message='504 Gateway Time-out', url='http://h/'"},
		{"a page without a title or an end", "<!DOCTYPE html>\n<HTML><body><p>no such <b>page</b>", "no such page"},
		{"vLLM and OpenAI", `{"error":{"message":"the context is 2048 tokens","type":"BadRequestError","code":400}}`, "the context is 2048 tokens"},
		{"Dynamo", `{"message":"no instance","type":"x","code":503}`, "no instance"},
		{"an error as text", `{"error":"Unauthorized"}`, "Unauthorized"},
		{"FastAPI", `{"detail":"Not Found"}`, "Not Found"},
		{"a list of details stays whole", `{"detail":[{"msg":"x"}]}`, `{"detail":[{"msg":"x"}]}`},
		{"plain text", "boom\n  twice\x1b[2J", "boom twice"},
		{"less than", "a < b and c > d", "a < b and c > d"},
		{"nothing", "", ""},
	} {
		if got := Message(row.body); got != row.want {
			t.Errorf("%s: got %q, want %q", row.why, got, row.want)
		}
	}
}

func TestFoldBreaksAtWords(t *testing.T) {
	for _, row := range []struct {
		why, in string
		want    []string
	}{
		{"a line that fits", "ab  cd ef", []string{"ab  cd ef"}},
		{"blanks inside stay, those at a break go", "ab  cd ef   gh", []string{"ab  cd ef", "  gh"}},
		{"an indented line", "  ab cd ef", []string{"  ab cd", "    ef"}},
		{"a path stays whole", "see /a/very/long/path now", []string{"see", "  /a/very/long/path", "  now"}},
		{"an escape sequence takes no column", "\x1b[1mab cd\x1b[0m ef", []string{"\x1b[1mab cd\x1b[0m ef"}},
		{"nothing", "", []string{""}},
	} {
		if diff := cmp.Diff(row.want, Fold(row.in, 9)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

func FuzzFoldLosesNoWord(f *testing.F) {
	f.Add("  ab cd\tef", 3)
	f.Fuzz(func(t *testing.T, line string, width int) {
		if got, want := strings.Fields(strings.Join(Fold(line, width), " ")), strings.Fields(line); !cmp.Equal(got, want) {
			t.Errorf("%q became %q", line, got)
		}
	})
}
