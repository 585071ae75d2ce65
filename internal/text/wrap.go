package text

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Duration is a duration without a zero at its end: 5m, 1h30m, 1m30s.
func Duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Wrap breaks s between words into lines of at most width characters. The first line begins
// with first, the others with rest. A longer word has a line of its own.
func Wrap(s, first, rest string, width int) []string {
	line, empty := first, true
	var lines []string
	for _, word := range strings.Fields(s) {
		switch {
		case empty:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = rest + word
		}
		empty = false
	}
	return append(lines, strings.TrimRight(line, " "))
}
