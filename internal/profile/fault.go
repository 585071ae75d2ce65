package profile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Fault is one thing wrong with a profile. Line and column count from 1, the column in characters. They are 0 for a
// setting of the command line, which the source names then.
type Fault struct {
	Source       string
	Line, Column int
	Text         string
}

func (f Fault) String() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s", f.Source, f.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.Source, f.Line, f.Column, f.Text)
}

// Faults is everything wrong with a profile, in the order of the file.
type Faults []Fault

// Error has one line for each fault, in the form editors jump to.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// problem is a fault found in a decoded profile, at path. In its text firstLine is a
// placeholder for the line of the path first, the other half of a clash.
type problem struct {
	path, text, first string
	needs             []string // paths that it follows from: it is a mere echo if one of them is bad
}

const firstLine = "{line}"

type problems []problem

func (p *problems) add(path, format string, args ...any) {
	*p = append(*p, problem{path: path, text: fmt.Sprintf(format, args...), needs: []string{path}})
}

// clash adds a problem between path and first, which precedes it.
func (p *problems) clash(path, first, format string, args ...any) {
	*p = append(*p, problem{path, fmt.Sprintf(format, args...), first, []string{path, first}})
}

// from names the values that the last problem follows from. A problem of a whole worker is
// then reported even if another key of the worker is bad.
func (p problems) from(needs ...string) { p[len(p)-1].needs = needs }

// join is the path of a key in the mapping at path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

var rolePath = regexp.MustCompile(`(?s)^(prefill|decode|aggregated)\[(\d+)\](?:\.(.+))?$`)

// subject words a path for a message: "prefill-0: port" for prefill[0].port.
func subject(path string) string {
	m := rolePath.FindStringSubmatch(path)
	switch {
	case path == "":
		return "a profile"
	case m == nil:
		return printable(path)
	case m[3] == "":
		return m[1] + "-" + m[2]
	default:
		return m[1] + "-" + m[2] + ": " + printable(m[3])
	}
}

// printable is s as it is, or quoted if it could disturb a terminal: a key can hold line ends.
func printable(s string) string {
	if quoted := strconv.Quote(s); quoted != `"`+s+`"` {
		return quoted
	}
	return s
}

// shown is a value in quotes, cut to a length that a line has room for.
func shown(s string) string { return fmt.Sprintf("%.80q", s) }

// suggest ends the message of an unknown word with the nearest known one, or with all.
func suggest(word string, known []string) string {
	if meant := nearest(word, known); meant != "" {
		return ": did you mean " + meant + "?"
	}
	return ": known here are " + strings.Join(known, ", ")
}

// nearest is the known word that an unknown one may be a slip of, or empty.
func nearest(word string, known []string) string {
	best, least := "", max(1, len(word)/3)+1
	if len(word) > 1 && len(word) <= 64 { // others are no slip of the finger
		for _, k := range known {
			if n := distance(word, k); n < least {
				best, least = k, n
			}
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to get from a to b (optimal string alignment, in bytes).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(replace, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
