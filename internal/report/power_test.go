package report

import (
	"errors"
	"slices"
	"testing"

	"topobench/internal/artifacts"
)

func TestPowerInTheCSV(t *testing.T) {
	cells, errs := artifacts.Tree("testdata/artifacts_root")
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	cells[0].Power = &artifacts.Power{Watts: 400, Samples: 30}
	f, err := Of(cells, Options{Stat: "avg"})
	if err != nil {
		t.Fatal(err)
	}
	lines := f.lines()
	column := func(line int, name string) string { return lines[line][slices.Index(lines[0], name)] }
	if got := column(1, wattsPerGPU); got != "400.0" {
		t.Errorf("%q W", got)
	}
	y := f.Rows[0].Numbers[perGPU]
	if got := column(1, tokensPerJoule); got != pythonFloat(y/400) || y == 0 {
		t.Errorf("%q tokens a joule of %g tokens a second", got, y)
	}
	if column(2, wattsPerGPU)+column(2, tokensPerJoule) != "" {
		t.Error("a cell without power has some")
	}
	if last := lines[0][len(lines[0])-2:]; last[0] != wattsPerGPU || last[1] != tokensPerJoule {
		t.Errorf("the last columns are %q", last)
	}
}
