package report

import (
	"fmt"
	"slices"

	"topobench/internal/artifacts"
	"topobench/internal/stats"
)

// leaveOut marks the rows of adaptive runs that are no part of an interval: those of the search, and of rounds before
// the bracket was widened.
func leaveOut(rows []Row) {
	first := map[string]int{} // by run
	for _, r := range rows {
		if a := r.cell.Deployment.Adaptive; a != nil {
			first[a.Run] = max(first[a.Run], a.First)
		}
	}
	for i, r := range rows {
		a := r.cell.Deployment.Adaptive
		switch {
		case a == nil:
		case a.Search:
			rows[i].leftOut = true
			rows[i].Notes = append(r.Notes, "search of an adaptive run")
		case a.First < first[a.Run]:
			rows[i].leftOut = true
			rows[i].Notes = append(r.Notes, "before the bracket was widened")
		}
	}
}

// adaptiveRun is the mark of the one adaptive run that measured all the rows; nil if there is no such run.
func adaptiveRun(rows []Row) (mark *artifacts.Adaptive) {
	for _, r := range rows {
		a := r.cell.Deployment.Adaptive
		if a == nil || mark != nil && a.Run != mark.Run {
			return nil
		}
		mark = a
	}
	return mark
}

// withoutLeftOut are the rows that may be a part of an interval.
func withoutLeftOut(rows []Row) []Row {
	return slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.leftOut })
}

// complete drops the curves of launches of an adaptive run that lack one of their two cells. The run did not count
// their rounds, so that they neither miss its point nor narrow the shared range.
func complete(all []launch) []launch {
	for i, l := range all {
		if len(l.points) < 2 {
			all[i].curve = nil
		}
	}
	return all
}

// counted is the number of launches that may be a part of the means.
func (s Series) counted() int {
	if len(s.Mixed) > 0 {
		return len(s.Artifacts)
	}
	return len(s.each)
}

// readingOf measures both sides. The rounds of one adaptive run have Stein's interval, because the first of them chose
// how many there are. If one of them does not reach the point of the run there is no number.
func readingOf(base, other Series, at *float64) (reading, error) {
	r, err := measure(base.each, other.each, at)
	mark := base.adaptive
	if err != nil || r.unpaired != "" || mark == nil || other.adaptive == nil || mark.Run != other.adaptive.Run {
		return r, err
	}
	if valid, _ := r.valid(base.each, other.each); r.At == mark.At && len(valid) > r.counted[0] {
		return r, fmt.Errorf("%g tok/s/user is not within both sides in %d of %d rounds of the adaptive run", mark.At,
			len(valid)-r.counted[0], len(valid))
	}
	var ratios []float64
	for _, round := range r.rounds {
		ratios = append(ratios, round.Ratio)
	}
	r.interval, r.byRule = stats.Stein(ratios), true
	return r, nil
}
