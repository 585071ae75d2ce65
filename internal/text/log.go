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
	// tailWidth bounds a line of Tail, in characters: a log may hold a megabyte without a line end.
	tailWidth = 200
)

// Tail is Last of the last 64 KiB of a log.
func Tail(path string, n int) ([]string, error) {
	end, err := End(path, tailBytes)
	if err != nil {
		return nil, err
	}
	return Last(end, n), nil
}

// Last returns the last n of Lines, each without the middle if it is too wide to read.
func Last(log []byte, n int) []string {
	lines := Lines(log)
	lines = lines[max(0, len(lines)-n):]
	for i, line := range lines {
		lines[i] = Ends(line, tailWidth)
	}
	return lines
}

// Lines returns the cleaned lines of a log that are not blank, oldest first. Each state of a progress bar is a line.
func Lines(log []byte) []string {
	var lines []string
	for _, line := range strings.FieldsFunc(string(log), func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = strings.TrimRightFunc(Clean(line), unicode.IsSpace); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// End returns at most limit bytes from the end of a file.
func End(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return Added(path, max(0, info.Size()-limit), limit)
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
