package report

import (
	"topobench/internal/artifacts"
	"topobench/internal/verdict"
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

// counts reports whether a row is a part of the frontier of its series.
func (r Row) counts(on Axis) bool {
	_, _, placed := r.point(on)
	return placed && r.State == verdict.Valid && !r.leftOut
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
