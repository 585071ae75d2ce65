package report

import "testing"

func TestEveryColumnHasAHelp(t *testing.T) {
	for _, c := range Columns() {
		if c.Help == "" {
			t.Errorf("results.csv has the column %q without a help", c.Name)
		}
	}
	for i, m := range Metrics() {
		if m.Unit == "" || m.Source == "" || m.Help == "" || (m.Shown != "") != (i < 5) {
			t.Errorf("%+v", m)
		}
	}
}
