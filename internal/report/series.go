package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/chart"
	"topobench/internal/frontier"
	"topobench/internal/verdict"
)

// Series is what one label has. Its curve is the frontier of its valid cells; where Mixed says that its
// artifacts_N are not comparable it has no frontier and no Setup.
type Series struct {
	Label     string `json:"label"`
	Mode      string `json:"mode"` // aggregated or disaggregated
	Simulated bool   `json:"simulated"`
	Setup
	Mixed     []string `json:"mixed"`     // in what its artifacts_N differ
	Artifacts []string `json:"artifacts"` // artifacts_N, in order
	Cells     int      `json:"cells"`
	Valid     int      `json:"valid"` // cells that are valid and have both coordinates

	miscounted bool // the points of its curve are by another count of tokens than the server's

	curve *frontier.Curve // nil without a valid point or if mixed
}

// series groups the rows by label and marks the efficient ones in place.
func series(rows []Row, stat string, order []string) []Series {
	made := []Series{}
	for _, label := range labels(rows, order) {
		made = append(made, seriesOf(label, rows, stat))
	}
	return made
}

func seriesOf(label string, rows []Row, stat string) Series {
	s := Series{Label: label, Mixed: mixed(rows, label), Artifacts: []string{}}
	var valid []int // indices of rows
	var points []frontier.Point
	for i, r := range rows {
		if r.Label != label {
			continue
		}
		s.add(r)
		if p, ok := r.point(stat); ok && r.State == verdict.Valid {
			valid, points = append(valid, i), append(points, p)
			s.miscounted = s.miscounted || r.miscounted()
		}
	}
	s.Valid = len(points)
	if len(s.Mixed) > 0 {
		s.Setup = Setup{}
		return s
	}
	for i, on := range frontier.Of(points) {
		rows[valid[i]].Efficient = on
	}
	if curve, err := frontier.NewCurve(points); err == nil { // else ErrNoPoints
		s.curve = &curve
	}
	return s
}

// labels has each label once: first those of order, then the others as they appear.
func labels(rows []Row, order []string) []string {
	var found []string
	for _, r := range rows {
		if !slices.Contains(found, r.Label) {
			found = append(found, r.Label)
		}
	}
	place := func(label string) int {
		if i := slices.Index(order, label); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(found, func(a, b string) int { return place(a) - place(b) })
	return found
}

func (s *Series) add(r Row) {
	s.Cells++
	s.Mode, s.Setup = r.mode, r.setup
	s.Simulated = s.Simulated || r.Simulated
	if !slices.Contains(s.Artifacts, r.Artifacts) {
		s.Artifacts = append(s.Artifacts, r.Artifacts)
	}
}

// warnings names what a reader of the picture alone would not see.
func warnings(f Facts) []string {
	said := []string{}
	for _, s := range f.Series {
		switch {
		case len(s.Mixed) > 0:
			said = append(said, printable(fmt.Sprintf("%s is one series made of artifacts that are not comparable: %s: it has no frontier and no comparison; split it by deployment kind",
				s.Label, strings.Join(s.Mixed, "; "))))
		case len(s.Artifacts) > 1:
			said = append(said, fmt.Sprintf("%s is one series made of %s: unless they repeat one topology, plot them apart",
				s.Label, strings.Join(s.Artifacts, ", ")))
		}
		if at := s.which(f.Rows, f.twice); at != "" {
			said = append(said, fmt.Sprintf("%s: %s stand more than once in one artifacts_N: a copy or an earlier attempt counts as a measurement of its own", s.Label, at))
		}
		for _, state := range []verdict.State{verdict.Invalid, verdict.Unchecked} {
			if at := s.which(f.Rows, func(r Row) bool { return r.State == state && r.placed(f.Stat) }); at != "" {
				said = append(said, fmt.Sprintf("%s: %s are %s: hollow in the picture, off the frontier; the table and the CSV say why", s.Label, at, state))
			}
			if at := s.which(f.Rows, func(r Row) bool { return r.State == state && !r.placed(f.Stat) }); at != "" {
				said = append(said, fmt.Sprintf("%s: %s are %s and have no place in the picture; the table and the CSV say why", s.Label, at, state))
			}
		}
		if at := s.which(f.Rows, Row.miscounted); at != "" {
			said = append(said, fmt.Sprintf("%s: in %s aiperf counts other output tokens than the server's usage (†): tok/s/user, tok/s/gpu and ITL are all by aiperf's count; by usage tok/s/gpu is %s",
				s.Label, at, s.byUsage(f.Rows)))
		}
		if at := s.which(f.Rows, Row.anew); at != "" {
			said = append(said, fmt.Sprintf("%s: %s were measured after it was made anew: its prefix cache began empty there", s.Label, at))
		}
		unplaced := func(r Row) bool { return r.State == verdict.Valid && !r.placed(f.Stat) }
		if at := s.which(f.Rows, unplaced); at != "" {
			said = append(said, fmt.Sprintf("%s: %s are not drawn: their exports lack %s or output_token_throughput_avg", s.Label, at, perUser(f.Stat)))
		}
	}
	if versions := generators(f.Rows); len(versions) > 0 {
		said = append(said, printable(fmt.Sprintf("not all cells were measured by one aiperf: %s: versions differ in what they count", strings.Join(versions, ", "))))
	}
	return said
}

// twice: another cell of its artifacts_N has the same concurrency.
func (f Facts) twice(r Row) bool {
	return slices.ContainsFunc(f.Rows, func(o Row) bool {
		return o.Artifacts == r.Artifacts && o.Concurrency == r.Concurrency && o.Configuration != r.Configuration
	})
}

// byUsage lists, in the order of which, what the miscounted cells would have by usage.
func (s Series) byUsage(rows []Row) string {
	var values []string
	for _, r := range rows {
		if r.Label == s.Label && r.miscounted() {
			values = append(values, r.shown(byUsage))
		}
	}
	return strings.Join(values, " ")
}

// which names the cells of the series that are so, or is empty.
func (s Series) which(rows []Row, so func(Row) bool) string {
	var at []string
	for _, r := range rows {
		if r.Label == s.Label && so(r) {
			at = append(at, strconv.Itoa(r.Concurrency))
		}
	}
	if len(at) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d cells (concurrency %s)", len(at), s.Cells, strings.Join(at, " "))
}

// Picture has each row that has both coordinates.
func (f Facts) Picture() chart.Picture {
	p := chart.Picture{Title: f.Title, XName: "tokens/s/user " + f.Stat, YName: "tokens/s/gpu avg"}
	for _, s := range f.Series {
		drawn := chart.Series{Name: s.Label}
		for _, r := range f.Rows {
			if at, ok := r.point(f.Stat); ok && r.Label == s.Label {
				drawn.Points = append(drawn.Points, chart.Point{X: at.X, Y: at.Y, Note: strconv.Itoa(r.Concurrency),
					Hollow: r.State != verdict.Valid, Frontier: r.Efficient})
			}
		}
		p.Series = append(p.Series, drawn)
	}
	return p
}
