package text

import (
	"io"
	"os"
	"strings"
	"unicode"
)

const (
	// tailBytes bounds what Tail reads of a log, which may have gigabytes.
	tailBytes = 64 << 10
	// tailWidth bounds a line of Tail, in characters: a log may hold a megabyte
	// without a line end.
	tailWidth = 200
)

// Tail returns the last n lines of a log that are not blank, oldest first, each cleaned
// and cut to a readable width. It reads the last 64 KiB only.
func Tail(path string, n int) ([]string, error) {
	lines, err := Lines(path, tailBytes)
	if err != nil {
		return nil, err
	}
	lines = lines[max(0, len(lines)-n):]
	for i, line := range lines {
		lines[i] = Line(line, tailWidth)
	}
	return lines, nil
}

// Lines returns the cleaned lines in the last limit bytes of a log that are not blank.
// Each state of a progress bar is a line.
func Lines(path string, limit int64) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	data, err := Added(path, max(0, info.Size()-limit), limit)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, line := range strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = strings.TrimRightFunc(Clean(line), unicode.IsSpace); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// Added returns at most limit bytes of a log from the offset from on.
func Added(path string, from, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // it was only read
	return io.ReadAll(io.NewSectionReader(f, from, limit))
}
