package report

import (
	"strings"
	"testing"

	"topobench/internal/artifacts"
)

func TestSettingsTable(t *testing.T) {
	side := func(name, block string) artifacts.Deployment {
		return artifacts.Deployment{Name: name, Settings: map[string]string{"block-size": block, "dtype": "default"}}
	}
	for _, row := range []struct {
		why   string
		sides []artifacts.Deployment
		want  string
	}{
		{"one side", []artifacts.Deployment{side("a", "16")}, ""},
		{"equal", []artifacts.Deployment{side("a", "16"), side("b", "16")}, "engine settings: the same on every side\n"},
		{"what differs, and only that", []artifacts.Deployment{side("disagg", "default"), side("agg", "128")},
			"engine settings that differ  disagg   agg\n  block-size                 default  128\n"},
		{"nothing commands the terminal", []artifacts.Deployment{side("a\x1b[2J", "1\t2\n"), side("b", "3")},
			"engine settings that differ  a[2J  b\n  block-size                 1 2   3\n"},
	} {
		if got := SettingsTable(artifacts.CompareSettings(row.sides)); got != row.want {
			t.Errorf("%s:\n%q\nwant\n%q", row.why, got, row.want)
		}
	}
}

// The sides come from the deployment_config.json beside the cells, once each.
func TestFactsHaveTheSettingsOfTheirTopologies(t *testing.T) {
	cell := func(n int, name, block string) artifacts.Cell {
		c := at("aggregated", 1, 1)
		c.N, c.Deployment.Name, c.Deployment.Settings = n, name, map[string]string{"block-size": block}
		return c
	}
	f, err := Of([]artifacts.Cell{cell(1, "b", "128"), cell(0, "a", "16"), cell(1, "b", "128")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s := f.Settings; len(s.Sides) != 2 || s.Sides[0].Name != "a" || s.Sides[1].Name != "b" || len(s.Differ) != 1 {
		t.Errorf("settings %+v", s)
	}
	if text := string(written(t, f.JSON)); !strings.Contains(text, `"block-size": "128"`) {
		t.Errorf("the JSON lacks them:\n%s", text)
	}
}
