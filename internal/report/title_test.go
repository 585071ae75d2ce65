package report

import (
	"fmt"
	"testing"

	"topobench/internal/artifacts"
)

// Hosts are counted once for each topology, whatever its number of workers; "" is this machine.
func TestTheTitleIsThatOfTheHosts(t *testing.T) {
	on := func(n int, hosts ...string) artifacts.Cell {
		c := at("aggregated", 1, 1)
		c.N, c.Artifacts = n, fmt.Sprintf("artifacts_%d", n)
		for _, host := range hosts {
			c.Deployment.Workers = append(c.Deployment.Workers, artifacts.Worker{Role: "aggregated", Host: host})
		}
		return c
	}
	for _, row := range []struct {
		why   string
		cells []artifacts.Cell
		o     Options
		want  string
	}{
		{"no cell", nil, Options{}, "Pareto - Single Node"},
		{"a tree of upstream", []artifacts.Cell{on(0)}, Options{}, "Pareto - Single Node"},
		{"this machine", []artifacts.Cell{on(0, "", "")}, Options{}, "Pareto - Single Node"},
		{"one other", []artifacts.Cell{on(0, "a", "a")}, Options{}, "Pareto - Single Node"},
		{"this and another", []artifacts.Cell{on(0, "", "b"), on(1, "b", "a")}, Options{}, "Pareto - Two Nodes"},
		{"three", []artifacts.Cell{on(0, "a", "b", "c")}, Options{}, "Pareto - 3 Nodes"},
		{"unlike topologies", []artifacts.Cell{on(0, "a", "b"), on(1, "a")}, Options{}, "Pareto - Single Node and Two Nodes"},
		{"the user's", []artifacts.Cell{on(0, "a", "b")}, Options{Title: "x"}, "Pareto - x"},
		{"a partial run", []artifacts.Cell{on(0, "a", "b")}, Options{Partial: true}, "Pareto - partial: Two Nodes"},
	} {
		if got := facts(t, row.cells, row.o).Title; got != row.want {
			t.Errorf("%s: got %q, want %q", row.why, got, row.want)
		}
	}
}
