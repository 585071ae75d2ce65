package chart

import "strconv"

// Sizes of the legend in pixels.
const (
	rowHeight = 42
	sample    = 60  // width of the dashes and the marker before a name
	maxName   = 640 // a longer name is shortened, so that the plot keeps its room
	maxRows   = 16
)

// entry is one row of the legend: a name behind the marker of a series, behind a ring, or alone.
type entry struct {
	name   string
	series int
	kind   entryKind
}

type entryKind int

const (
	ofSeries entryKind = iota
	ofRings
	ofNothing
)

// legend has a row for each series that fits, one that counts the others, one that explains
// the notes beside the dots, and one that explains rings.
func legend(series []Series, noted, hollow bool, m meter) []entry {
	var rows []entry
	for i, s := range series {
		if len(series) > maxRows && i == maxRows-1 {
			rest := strconv.Itoa(len(series) - i)
			rows = append(rows, entry{name: "and " + rest + " more", kind: ofNothing})
			break
		}
		rows = append(rows, entry{name: m.squeeze(s.Name, textSize, maxName), series: i})
	}
	if noted {
		rows = append(rows, entry{name: "number: concurrency", kind: ofNothing})
	}
	if hollow {
		rows = append(rows, entry{name: "hollow: not valid", kind: ofRings})
	}
	return rows
}
