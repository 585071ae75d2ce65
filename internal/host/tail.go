package host

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tailBytes bounds what Tail reads of a log that may have gigabytes.
const tailBytes = 64 << 10

// lineRunes bounds one line of a Tail; a log may hold a megabyte without newline.
const lineRunes = 200

// Tail returns the last n lines of the file that have something to show, for a
// person: split on "\n" and on the "\r" of progress bars, without colour codes
// and control characters. A file that cannot be read has none.
func Tail(path string, n int) []string {
	kept := lastLines(path, n)
	for i, line := range kept {
		kept[i] = shorten(line)
	}
	return kept
}

// lastLines is Tail with lines of any length.
func lastLines(path string, n int) []string {
	text, err := lastBytes(path, tailBytes)
	if err != nil {
		return nil
	}
	lines := strings.FieldsFunc(clean(text), func(r rune) bool { return r == '\n' || r == '\r' })
	var kept []string
	for i := len(lines) - 1; i >= 0 && len(kept) < n; i-- {
		if line := strings.TrimRightFunc(lines[i], unicode.IsSpace); line != "" {
			kept = append(kept, line)
		}
	}
	slices.Reverse(kept)
	return kept
}

func lastBytes(path string, n int64) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.NewSectionReader(f, max(0, end-n), n))
	return string(text), err
}

// clean drops what would move the cursor, colour the terminal or ring its bell.
func clean(text string) string {
	// CSI sequences such as colours, and OSC sequences such as titles and links.
	escapes := regexp.MustCompile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(\x07|\x1b\\\\)")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r':
			return r
		case r == '\t':
			return ' '
		case r == utf8.RuneError || unicode.Is(unicode.Other, r): // controls, bidi overrides
			return -1
		default:
			return r
		}
	}, escapes.ReplaceAllString(text, ""))
}

func shorten(line string) string {
	runes := []rune(line)
	if len(runes) <= lineRunes {
		return line
	}
	return string(runes[:lineRunes]) + " ..."
}
