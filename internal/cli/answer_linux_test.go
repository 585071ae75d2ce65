package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/testbed"
	"topobench/internal/ui"
)

// On a terminal the answer is in bold type and wrapped at words; the line to paste is neither.
func TestTheAnswerOnATerminal(t *testing.T) {
	for _, row := range []struct {
		why       string
		environ   []string
		bold      bool
		wrapped   bool
		lastLines string
	}{
		{"a terminal", nil, true, true, "chart:\n  "},
		{"without colours", []string{"NO_COLOR=1"}, false, true, "chart:\n  "},
		{"a dumb terminal", []string{"TERM=dumb"}, false, false, "chart: "},
	} {
		window, program := testbed.Terminal(t) // 33 columns
		out := t.TempDir()
		text := make(chan string)
		go func() { text <- read(window) }()
		code := Main([]string{"plot", "--artifacts-root-dir", "../aiperf/testdata/artifacts_root", "--out", out},
			&Env{Stdout: ui.Lenient(program), Stderr: os.Stderr, Environ: row.environ})
		if err := program.Close(); err != nil {
			t.Fatal(err)
		}
		got := <-text
		if code != codePartial && code != codeOK {
			t.Errorf("%s: exit %d", row.why, code)
		}
		if bold := strings.Contains(got, "\n\x1b[1m"); bold != row.bold || strings.Contains(got, "\x1b[1m**") {
			t.Errorf("%s: bold is %t:\n%q", row.why, bold, got)
		}
		end := row.lastLines + filepath.Join(out, "pareto_plot.png") + "\n"
		if !strings.HasSuffix(got, end) {
			t.Errorf("%s: it does not end in %q:\n%q", row.why, end, got)
		}
		paste := got[strings.LastIndex(got, "\n**")+1 : strings.LastIndex(got, "chart:")]
		if strings.Count(paste, "\n") != 1 || !strings.HasPrefix(paste, "**") || len(paste) < 100 {
			t.Errorf("%s: not one line to paste: %q", row.why, paste)
		}
		for line := range strings.Lines(strings.Replace(got, paste, "", 1)) {
			line = strings.NewReplacer("\x1b[1m", "", "\x1b[0m", "").Replace(line)
			if words := strings.Fields(line); row.wrapped && len(words) > 1 && len([]rune(line)) > 33 {
				t.Errorf("%s: a line is too long: %q", row.why, line)
			}
		}
	}
}

// read returns what a terminal shows until its program closes it.
func read(window *os.File) string {
	var b strings.Builder
	for buffer := make([]byte, 4096); ; {
		n, err := window.Read(buffer)
		if b.Write(buffer[:n]); err != nil { // EIO
			return strings.ReplaceAll(b.String(), "\r\n", "\n")
		}
	}
}
