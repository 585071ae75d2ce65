package cli

import (
	"errors"

	"topobench/internal/artifacts"
	"topobench/internal/report"
)

// onAxis makes the facts of a run. A run that took hours gets its answer on the guide's axis, with a warning, if its
// cells lack the chosen one.
func onAxis(cells []artifacts.Cell, o report.Options) (report.Facts, error) {
	facts, err := report.Of(cells, o)
	missing, is := errors.AsType[*report.AxisError](err)
	if !is {
		return facts, err
	}
	o.X = ""
	facts, err = report.Of(cells, o)
	facts.Warnings = append(facts.Warnings, missing.Error()+": chart, CSV and answer have the guide's axis")
	return facts, err
}
