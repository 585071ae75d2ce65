package chart

import (
	"image"
	"strconv"
	"strings"
	"testing"

	gochart "github.com/wcharczuk/go-chart/v2"
)

func arranged(t *testing.T, p Picture) (layout, meter) {
	t.Helper()
	font, err := gochart.GetDefaultFont()
	if err != nil {
		t.Fatal(err)
	}
	ruler, err := gochart.PNG(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := newMeter(ruler, gochart.Style{Font: font})
	return arrange(p, m), m
}

// box is what a text covers.
func box(t text, m meter) image.Rectangle {
	return image.Rect(t.at.X, t.at.Y-digitHeight, t.at.X+m.width(t.body, t.size), t.at.Y)
}

func TestNotesCoverNeitherDotsNorEachOther(t *testing.T) {
	for _, p := range []Picture{sweep(), crowded(100), crowded(1000)} {
		l, m := arranged(t, p)
		notes := placeNotes(l, m)
		for i, note := range notes {
			at := box(note, m)
			if !at.In(l.plot) {
				t.Errorf("note %s leaves the plot: %v", note.body, at)
			}
			for _, other := range notes[:i] {
				if at.Overlaps(box(other, m)) {
					t.Errorf("notes %s and %s overlap", note.body, other.body)
				}
			}
			for _, d := range l.dots {
				if at.Overlaps(boxAt(d.at, image.Pt(2*d.radius, 2*d.radius))) {
					t.Errorf("note %s covers a dot", note.body)
				}
			}
		}
	}
}

func TestNotesOfASweepAreAllThere(t *testing.T) {
	l, m := arranged(t, sweep())
	if n := len(placeNotes(l, m)); n != 18 {
		t.Errorf("%d notes beside 18 points", n)
	}
}

func TestNothingLeavesThePicture(t *testing.T) {
	long := sweep()
	long.Title = "a title " + long.Title + long.Title + long.Title + long.Title + long.Title + long.Title
	long.Series[0].Name = long.Title
	for _, p := range []Picture{sweep(), long, crowded(1000), {}} {
		l, m := arranged(t, p)
		paper := image.Rect(0, 0, Width, Height)
		for _, text := range l.texts {
			if text.body != "" && !box(text, m).In(paper) {
				t.Errorf("text %q leaves the paper: %v", text.body, box(text, m))
			}
		}
		for _, row := range l.legend {
			if end := l.plot.Max.X + gap + sample + gap + m.width(row.name, textSize); end > Width-margin {
				t.Errorf("legend %q ends at %d", row.name, end)
			}
		}
		for _, d := range l.dots {
			if !d.at.In(l.plot.Inset(-1)) {
				t.Errorf("dot %v is outside the plot %v, where the legend may be", d.at, l.plot)
			}
		}
	}
}

// The names of two series of one kind differ at their end.
func TestLongNamesStayApart(t *testing.T) {
	p := sweep()
	kind := strings.Repeat("my-company_", 6)
	p.Series[0].Name, p.Series[1].Name = kind+"aggregated", kind+"disaggregated"
	l, _ := arranged(t, p)
	if first, second := l.legend[0].name, l.legend[1].name; first == second || first == p.Series[0].Name {
		t.Errorf("the legend has %q and %q", first, second)
	}
}

func TestFrontierIsSortedByX(t *testing.T) {
	p := Picture{Series: []Series{{Points: []Point{{3, 1, "", false, true, Cross{}, false}, {1, 3, "", false, true, Cross{}, false}, {9, 9, "", false, false, Cross{}, false}, {2, 2, "", false, true, Cross{}, false}}}}}
	l, _ := arranged(t, p)
	line := l.lines[0].points
	if len(line) != 3 || !(line[0].X < line[1].X && line[1].X < line[2].X) {
		t.Errorf("the line goes through %v", line)
	}
}

func TestSeriesDifferInColourAndMarker(t *testing.T) {
	seen := map[string]int{}
	for i := range 30 {
		look := colour(i).String()
		for _, p := range marker(i, 10) {
			look += strconv.Itoa(p.X) + "," + strconv.Itoa(p.Y) + " "
		}
		if before, twice := seen[look]; twice {
			t.Errorf("series %d looks like series %d", i, before)
		}
		seen[look] = i
	}
}
