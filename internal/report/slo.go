package report

import (
	"fmt"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/slo"
	"topobench/internal/stats"
	"topobench/internal/text"
)

// The columns of an SLO. goodput is in requests/s.
const (
	goodput  = "goodput"
	sloState = "slo"

	goodputHeader = "goodput\nreq/s" // of the table
)

// Beyond is the levels that a launch left out, since two lower ones were outside the SLO.
type Beyond struct {
	Label       string `json:"label"`
	Artifacts   string `json:"artifacts"`
	Round       int    `json:"round"`
	Concurrency []int  `json:"concurrency"`
}

// String is "a_b, artifacts_2: concurrency 64 128 skipped, above two levels outside the SLO".
func (b Beyond) String() string {
	return fmt.Sprintf("%s, %s: concurrency %s skipped, above two levels outside the SLO", text.Clean(b.Label),
		b.Artifacts, spaced(b.Concurrency))
}

func spaced(levels []int) string {
	return strings.Join(text.Each(levels, func(level int) string { return fmt.Sprint(level) }), " ")
}

// addGoodput adds it to the numbers of a cell that has complete records.
func (r *Row) addGoodput(c artifacts.Cell, targets slo.Targets) {
	if len(targets) == 0 || c.Err != nil {
		return
	}
	if rate, ok := c.Measurement.Goodput(targets, c.Records); ok {
		r.Numbers[goodput] = rate
	}
}

// judge marks the rows of a series with the relation of their concurrency to the SLO: that of the means over launches
// of valid cells. A series that mixes setups has no means.
func judge(label string, rows []Row, o Options) {
	if len(o.SLO) == 0 {
		return
	}
	var own []Row
	for _, r := range rows {
		if r.series() == label {
			own = append(own, r)
		}
	}
	if mixed, _ := withinLabel(own); len(mixed) > 0 {
		return
	}
	byLevel := map[int]slo.Judgement{}
	for i, r := range rows {
		if r.series() != label || !r.counts(o.axis()) {
			continue
		}
		if _, judged := byLevel[r.Concurrency]; !judged {
			byLevel[r.Concurrency] = o.SLO.Judge(func(t slo.Target) (float64, int) {
				mean := overLaunches(own, r.Concurrency, o.axis(), func(r Row) (float64, bool) {
					return r.cell.Measurement.Latency(t)
				})
				return mean.Mean, mean.N
			})
		}
		rows[i].SLO = byLevel[r.Concurrency]
	}
}

// overLaunches sums up a number of the valid cells of one concurrency. Each launch that has it counts once.
func overLaunches(own []Row, concurrency int, on Axis, value func(Row) (float64, bool)) stats.Sample {
	var launches []float64
	groups, _ := byArtifacts(own)
	for _, group := range groups {
		var values []float64
		for _, r := range group {
			if v, ok := value(r); ok && r.counts(on) && r.Concurrency == concurrency {
				values = append(values, v)
			}
		}
		if len(values) > 0 {
			launches = append(launches, stats.Summarise(values).Mean)
		}
	}
	return stats.Summarise(launches)
}

// addSLO adds judgement and goodput to the points.
func (s *Series) addSLO(own []Row, on Axis) {
	for i, p := range s.Points {
		for _, r := range own {
			if r.Concurrency == p.Concurrency && r.counts(on) {
				s.Points[i].SLO = r.SLO
			}
		}
		if s.Points[i].SLO.State == "" {
			continue // no SLO: nor is there a goodput
		}
		s.Points[i].Goodput = overLaunches(own, p.Concurrency, on, func(r Row) (float64, bool) {
			rate, ok := r.Numbers[goodput]
			return rate, ok
		})
	}
}

// levelsIn are the concurrencies of the points in a state.
func (s Series) levelsIn(state slo.State) (levels []int) {
	for _, p := range s.Points {
		if p.SLO.State == state {
			levels = append(levels, p.Concurrency)
		}
	}
	return levels
}

// sloCaveat names the SLO, and the points of the sides that are outside or not judged.
func sloCaveat(sides ...Series) string {
	if len(sides[0].slo) == 0 {
		return ""
	}
	parts := []string{"SLO " + sides[0].slo.String()}
	for _, state := range []slo.State{slo.Outside, slo.NotJudged} {
		var named []string
		for _, s := range sides {
			if levels := s.levelsIn(state); len(levels) > 0 {
				named = union(named, s.Label+" at concurrency "+spaced(levels))
			}
		}
		if len(named) > 0 {
			parts = append(parts, string(state)+": "+strings.Join(named, ", "))
		}
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

// sloWarnings explain the points that the picture crosses out, and those without a judgement.
func (s Series) sloWarnings() (all []string) {
	if levels := s.levelsIn(slo.Outside); len(levels) > 0 {
		warning := fmt.Sprintf("%s: concurrency %s is outside the SLO %v: crossed out in the picture and off the "+
			"frontier", s.Label, spaced(levels), s.slo)
		if len(levels) == len(s.Points) {
			warning += "; no point is left"
		}
		all = append(all, warning)
	}
	if levels := s.levelsIn(slo.NotJudged); len(levels) > 0 {
		var names []string
		for _, p := range s.Points {
			if p.SLO.State == slo.NotJudged {
				names = union(names, p.SLO.NotJudged...)
			}
		}
		slices.Sort(names)
		all = append(all, fmt.Sprintf("%s: SLO not judged at concurrency %s, which lacks %s: too few requests, or not "+
			"in aiperf's export", s.Label, spaced(levels), strings.Join(names, ", ")))
	}
	return all
}

// noPoint is the predicate of a side without a frontier.
func (s Series) noPoint() string {
	if len(s.slo) > 0 {
		return " has no valid point within the SLO"
	}
	return " has no valid point"
}
