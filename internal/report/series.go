package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/chart"
	"topobench/internal/frontier"
	"topobench/internal/slo"
	"topobench/internal/stats"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// Series is all cells of one label, or of one arm of it. Its frontier is that of Points. If its artifacts_N were not
// measured in the same way it has no frontier, and neither Points nor a Setup.
type Series struct {
	Label     string `json:"label"` // with the arm of an A/A measurement: "label (A)"
	Mode      string `json:"mode"`  // aggregated or disaggregated
	Simulated bool   `json:"simulated"`
	Setup
	Mixed     []string `json:"mixed"`     // the differences between its artifacts_N that refuse a frontier
	Listed    []string `json:"listed"`    // the other ones
	Artifacts []string `json:"artifacts"` // artifacts_N, in order
	Cells     int      `json:"cells"`
	Valid     int      `json:"valid"`  // cells that are valid and have both coordinates
	Noted     []string `json:"noted"`  // names of the checks that could not be made in them
	Notes     []string `json:"notes"`  // observations in them that a reader of the numbers needs
	Points    []Point  `json:"points"` // in order of concurrency

	miscounted bool                // aiperf counted other tokens than the server in a cell of Points
	curve      *frontier.Curve     // of Points; nil without a valid cell or if mixed
	each       []launch            // empty if mixed
	adaptive   *artifacts.Adaptive // of the one adaptive run that measured it, else nil
	slo        slo.Targets
	plain, arm string // Label in two parts
	host       string // of its machine
}

// Named reports whether a label, with or without the arm, is that of the series.
func (s Series) Named(label string) bool { return s.Label == label || s.plain == label }

// Point is the mean over launches of one concurrency, of their valid cells.
type Point struct {
	stats.Point
	TTFT      stats.Sample  `json:"time_to_first_token"` // ms
	Goodput   stats.Sample  `json:"goodput,omitzero"`    // requests/s within the SLO
	SLO       slo.Judgement `json:"slo,omitzero"`
	Efficient bool          `json:"is_pareto_efficient"`
}

// series groups the rows by label and arm, and marks the efficient ones in place.
func series(rows []Row, o Options) []Series {
	var labels []string
	plain := map[string]string{}
	for _, r := range rows {
		labels = union(labels, r.series())
		plain[r.series()] = r.Label
	}
	place := func(label string) int {
		if i := slices.Index(o.Order, plain[label]); i >= 0 {
			return i
		}
		return len(o.Order)
	}
	slices.SortStableFunc(labels, func(a, b string) int { return place(a) - place(b) })
	made := []Series{}
	for _, label := range labels {
		judge(label, rows, o)
		s := seriesOf(label, rows, o.axis(), o.Stat)
		s.slo = o.SLO
		made = append(made, s)
	}
	return made
}

// seriesOf averages the valid cells of each concurrency over launches, and builds the frontier of the means.
func seriesOf(label string, rows []Row, on Axis, stat string) Series {
	s := Series{Label: label, Artifacts: []string{}, Noted: []string{}, Notes: []string{}, Points: []Point{}}
	var own []Row
	var valid []int // indices in rows
	for i, r := range rows {
		if r.series() != label {
			continue
		}
		own = append(own, r)
		s.plain, s.arm = r.Label, r.Arm
		s.Mode, s.Simulated = r.cell.Deployment.Mode, s.Simulated || r.Simulated
		s.Artifacts = union(s.Artifacts, r.Artifacts)
		if !r.counts(on) {
			continue
		}
		valid = append(valid, i)
		s.miscounted = s.miscounted || r.miscounted()
		s.Noted, s.Notes = union(s.Noted, r.Noted...), union(s.Notes, r.Notes...)
	}
	s.Cells, s.Valid = len(own), len(valid)
	s.Mixed, s.Listed = withinLabel(own)
	if len(s.Mixed) > 0 {
		return s
	}
	s.Setup, s.host = setupOf(own), onMachines(own, "host")
	s.each, s.Points = launches(withoutLeftOut(own), on, stat)
	if s.adaptive = adaptiveRun(own); s.adaptive != nil {
		s.each = complete(s.each)
	}
	s.addSLO(own, on)
	means, points := s.means()
	for i, on := range frontier.Of(means) {
		points[i].Efficient = on
		for _, j := range valid {
			if rows[j].Concurrency == points[i].Concurrency {
				rows[j].Efficient = on
			}
		}
	}
	s.curve = curveOf(means)
	return s
}

// launches have the frontier of each artifacts_N. The points are the means over launches: a cell that was measured
// twice in one launch counts once, with the mean of the two.
func launches(own []Row, on Axis, stat string) (all []launch, points []Point) {
	var repeats []stats.Repeat
	ttft := map[int][]float64{} // by concurrency, one value a launch
	groups, deployments := byArtifacts(own)
	for i, group := range groups {
		var cells []stats.Repeat
		waits, outside := map[int][]float64{}, map[int]bool{}
		for _, r := range group {
			x, y, _ := r.point(on)
			if !r.counts(on) {
				continue
			}
			cells = append(cells, stats.Repeat{Concurrency: r.Concurrency, X: x, Y: y})
			outside[r.Concurrency] = r.SLO.State == slo.Outside
			if wait, ok := r.Numbers["time_to_first_token_"+stat]; ok {
				waits[r.Concurrency] = append(waits[r.Concurrency], wait)
			}
		}
		var means []frontier.Point
		valid := stats.Aggregate(cells)
		for _, p := range valid {
			if !outside[p.Concurrency] {
				means = append(means, frontier.Point{X: p.X.Mean, Y: p.Y.Mean})
			}
			repeats = append(repeats, stats.Repeat{Concurrency: p.Concurrency, X: p.X.Mean, Y: p.Y.Mean})
			if len(waits[p.Concurrency]) > 0 {
				ttft[p.Concurrency] = append(ttft[p.Concurrency], stats.Summarise(waits[p.Concurrency]).Mean)
			}
		}
		all = append(all, launch{n: group[0].cell.N, round: deployments[i].Round, curve: curveOf(means),
			points: valid, lost: lost(group, on), deployment: deployments[i]})
	}
	points = []Point{}
	for _, p := range stats.Aggregate(repeats) {
		points = append(points, Point{Point: p, TTFT: stats.Summarise(ttft[p.Concurrency])})
	}
	return all, points
}

// lost are the concurrencies of a launch of which no cell counts.
func lost(group []Row, on Axis) (levels []int) {
	for _, r := range group {
		counts := func(o Row) bool { return o.Concurrency == r.Concurrency && o.counts(on) }
		if !slices.ContainsFunc(group, counts) {
			levels = append(levels, r.Concurrency)
		}
	}
	return levels
}

// means are the points that may be on the frontier: those outside the SLO are not.
func (s Series) means() (means []frontier.Point, points []*Point) {
	for i, p := range s.Points {
		if p.SLO.State != slo.Outside {
			means, points = append(means, frontier.Point{X: p.X.Mean, Y: p.Y.Mean}), append(points, &s.Points[i])
		}
	}
	return means, points
}

// curveOf is nil without a usable point.
func curveOf(points []frontier.Point) *frontier.Curve {
	curve, err := frontier.NewCurve(points)
	if err != nil { // ErrNoPoints
		return nil
	}
	return &curve
}

// union appends to list those of more that it lacks.
func union(list []string, more ...string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// repeats is the smallest and the largest number of launches behind one point.
func (s Series) repeats() (least, most int) {
	for i, p := range s.Points {
		if i == 0 {
			least = p.X.N
		}
		least, most = min(least, p.X.N), max(most, p.X.N)
	}
	return least, most
}

// Picture has the points of each series, and a ring for each measured cell that is not valid. A series
// without a frontier has all its cells.
func (f Facts) Picture() chart.Picture {
	p := chart.Picture{Title: f.Title, YName: "tokens/s/gpu avg",
		XName: "tokens/s/user " + cmp.Or(f.axis.Mark, f.Stat)}
	for _, s := range f.Series {
		drawn := chart.Series{Name: s.Label}
		if least, most := s.repeats(); most > 1 {
			drawn.Name += ", mean of " + strconv.Itoa(least)
			if least < most {
				drawn.Name += " to " + strconv.Itoa(most)
			}
		}
		for _, point := range s.Points {
			drawn.Points = append(drawn.Points, chart.Point{X: point.X.Mean, Y: point.Y.Mean,
				Note: strconv.Itoa(point.Concurrency), Frontier: point.Efficient, Cross: point.cross(),
				Outside: point.SLO.State == slo.Outside})
		}
		for _, r := range f.alone(s) {
			x, y, _ := r.point(f.axis)
			drawn.Points = append(drawn.Points, chart.Point{X: x, Y: y, Note: strconv.Itoa(r.Concurrency),
				Hollow: r.State != verdict.Valid})
		}
		p.Series = append(p.Series, drawn)
	}
	return p
}

// alone are the cells of a series that the picture has as points of their own, behind the means: those that are not
// valid, and all of a series without a frontier.
func (f Facts) alone(s Series) (cells []Row) {
	for _, r := range f.Rows {
		if own := r.State != verdict.Valid || len(s.Mixed) > 0; own && f.placed(r) && r.series() == s.Label {
			cells = append(cells, r)
		}
	}
	return cells
}

// cross is the intervals of both means.
func (p Point) cross() (c chart.Cross) {
	if left, right, ok := p.X.Interval(); ok {
		c.Left, c.Right = left, right
	}
	if low, high, ok := p.Y.Interval(); ok {
		c.Low, c.High = low, high
	}
	return c
}

// checksNotMade counts and names checks: "2 checks could not be made: gpu-users, in-flight".
func checksNotMade(names []string) string {
	return text.Clean(text.Count(len(names), "check", "checks") + " could not be made: " + strings.Join(names, ", "))
}

// limits are the notes, and the checks that could not be made, as parts of a text.
func limits(notes, notMade []string) []string {
	parts := slices.Clone(notes)
	if len(notMade) > 0 {
		parts = append(parts, checksNotMade(notMade))
	}
	return parts
}
