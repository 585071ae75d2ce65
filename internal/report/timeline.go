package report

import (
	"fmt"
	"math"
	"slices"

	"topobench/internal/text"
)

// Sizes of a timeline, in units of its box: 1000 are the width of the page.
const (
	lanesLeft  = 8
	lanesWidth = 984
	laneHeight = 46 // the name is above the bar
	barHeight  = 18
)

// lanesView is a timeline in the coordinates of its box.
type lanesView struct {
	Run           string
	Width, Height int
	Lanes         []laneView
	Ticks         []tickView
	Total         string
}

type laneView struct {
	Name string
	Y    int // of the name's baseline
	Bars []barView
}

type barView struct {
	X, Y, Width, Height int
	Class, Text         string
}

type tickView struct {
	At   int
	Text string
}

// view lays a timeline out, on one scale for all launches of the run.
func (t Timeline) view() lanesView {
	end := 1.0
	for _, lane := range t.Lanes {
		for _, s := range lane.Spans {
			end = max(end, s.To)
		}
	}
	v := lanesView{Run: text.Clean(t.Run), Width: lanesLeft*2 + lanesWidth, Height: laneHeight*len(t.Lanes) + 40,
		Total: clock(end)}
	at := func(seconds float64) int { return lanesLeft + int(math.Round(seconds/end*lanesWidth)) }
	for i, lane := range t.Lanes {
		made := laneView{Name: text.Clean(lane.Name), Y: i*laneHeight + 16}
		for _, s := range lane.Spans {
			from := at(s.From)
			made.Bars = append(made.Bars, barView{X: from, Y: i*laneHeight + 22, Width: max(2, at(s.To)-from),
				Height: barHeight, Class: s.class(), Text: text.Clean(s.describe())})
		}
		v.Lanes = append(v.Lanes, made)
	}
	step := timeStep(end)
	for seconds := 0.0; seconds <= end; seconds += step {
		v.Ticks = append(v.Ticks, tickView{at(seconds), clock(seconds)})
	}
	return v
}

// class is the style of a bar: its kind by number, and whether it failed.
func (s Span) class() string {
	class := fmt.Sprintf("span k%d", slices.Index(SpanKinds(), s.Kind))
	if s.Failed {
		class += " failed"
	}
	return class
}

func (s Span) describe() string {
	described := fmt.Sprintf("%s, %s: from %s to %s", s.Kind, clock(s.To-s.From), clock(s.From), clock(s.To))
	if s.Text != "" {
		described += ", " + s.Text
	}
	return described
}

// timeStep is a round number of seconds, of which up to eight are in a range.
func timeStep(end float64) float64 {
	for _, step := range []float64{1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400} {
		if end/step <= 8 {
			return step
		}
	}
	return math.Ceil(end/8/86400) * 86400
}

// clock is a time as a person reads it: "42.5 s", "3:07 min", "2:15:00 h".
func clock(seconds float64) string {
	whole := int(math.Round(seconds))
	switch {
	case seconds < 60 && seconds != float64(whole):
		return fmt.Sprintf("%.1f s", seconds)
	case whole < 60:
		return fmt.Sprintf("%d s", whole)
	case whole < 3600:
		return fmt.Sprintf("%d:%02d min", whole/60, whole%60)
	}
	return fmt.Sprintf("%d:%02d:%02d h", whole/3600, whole/60%60, whole%60)
}
