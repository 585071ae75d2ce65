package report

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/artifacts"
	"topobench/internal/stats"
)

// aaCells is one profile as two arms over rounds: A first in odd rounds, B first in even ones. The second launch of
// each round has its factor.
func aaCells(factors ...float64) (cells []artifacts.Cell) {
	base := curve("aggregated", [][2]float64{{20, 90}, {45, 80}, {96, 10}})
	for i, factor := range factors {
		first, second := "A", "B"
		if i%2 == 1 {
			first, second = second, first
		}
		cells = append(cells, inRound(repeat(base, 2*i, 1, 1), i+1, first)...)
		cells = append(cells, inRound(repeat(base, 2*i+1, 1, factor), i+1, second)...)
	}
	return onHost(cells, "node7")
}

func onHost(cells []artifacts.Cell, host string) []artifacts.Cell {
	for i := range cells {
		cells[i].Deployment.Machine = artifacts.Values{"host": host}
	}
	return cells
}

func TestAAReportsWhatTheNodeResolves(t *testing.T) {
	x := 45.0
	f := facts(t, aaCells(1, 1.01, 0.99, 1), Options{At: &x})
	logs := stats.Summarise([]float64{0, -math.Log(1.01), math.Log(0.99), 0}) // B / A
	want := stats.HalfWidth(logs.SD, 4)
	all := f.AA()
	if len(all) != 1 || math.Abs(all[0].Resolvable-want) > 1e-9 || all[0].Rounds != 4 || all[0].Label != "vllm_serve_aggregated" || all[0].Host != "node7" {
		t.Fatalf("got %+v, want %g", all, want)
	}
	if got, end := f.Sentences()[0], "differences below "+roughly(want)+" are not resolved on this node with 4 rounds"; !strings.HasSuffix(got, end) {
		t.Errorf("got %s, want the end %s", got, end)
	}
	if got := facts(t, aaCells(1, 1), Options{}).Sentences()[0]; !strings.Contains(got, ", 1.00x (95 % interval 1.00 to 1.00, 2 of 2 rounds; ") ||
		!strings.HasSuffix(got, ": differences below 0.01 % are not resolved on this node with 2 rounds") {
		t.Errorf("equal to the last digit: %s", got)
	}
	if got := facts(t, aaCells(1), Options{}); len(got.AA()) != 0 || !strings.Contains(got.Sentences()[0], "1 launch a side: no interval") {
		t.Errorf("one round resolves nothing: %s", got.Sentences())
	}
}

// In even rounds B is launched first: the position is that of artifacts_N, not of the arm.
func TestAAFindsAPositionEffect(t *testing.T) {
	x := 45.0
	f := facts(t, aaCells(0.95, 0.951, 0.949, 0.95), Options{At: &x})
	if got := f.Sentences()[0]; !strings.HasSuffix(got, "with 4 rounds; the second launch of a round is 5 % slower: position effect") {
		t.Errorf("got %s", got)
	}
	if aa := f.AA()[0]; math.Abs(aa.Second-0.95) > 1e-3 || math.Abs(aa.Ratio-1) > 1e-2 {
		t.Errorf("got %+v", aa)
	}
	drift := aaCells(0.95, 1/0.951, 0.949, 1/0.95)
	if got := facts(t, drift, Options{At: &x}).Sentences()[0]; !strings.Contains(got, "B is 5 % slower, with one profile on both sides") ||
		strings.Contains(got, "position effect") {
		t.Errorf("got %s", got)
	}
}

func TestAAIsNamedBesideALaterRatio(t *testing.T) {
	root := t.TempDir()
	measured := facts(t, aaCells(1, 1.01, 0.99, 1), Options{}).AA()
	for range 2 { // the second replaces the first
		if err := KeepAA(root, measured); err != nil {
			t.Fatal(err)
		}
	}
	known, err := ReadAA(root)
	if err != nil || len(known) != 1 {
		t.Fatalf("got %+v, %v", known, err)
	}
	longer := onHost(rounds(1, 1.02), "node7")
	for i := range longer {
		longer[i].Deployment.ISL = 3000
	}
	for _, row := range []struct {
		why   string
		cells []artifacts.Cell
		named bool
	}{
		{"the same node and work", onHost(rounds(1, 1.02), "node7"), true},
		{"another node", onHost(rounds(1, 1.02), "node8"), false},
		{"no node recorded", rounds(1, 1.02), false},
		{"other work", longer, false},
		{"a simulated engine", simulate(onHost(rounds(1, 1.02), "node7"), true), false},
	} {
		got := facts(t, row.cells, Options{AA: known}).Sentences()[0]
		want := " (A/A of vllm_serve_aggregated on this node: differences below "
		if !strings.Contains(got, "; interpolated): better") || strings.Contains(got, want) != row.named || strings.Contains(got, "A/A") != row.named {
			t.Errorf("%s: got %s", row.why, got)
		}
	}
	again := facts(t, aaCells(1, 1.02, 0.98, 1), Options{AA: known}).Sentences()[0]
	if !strings.Contains(again, " are not resolved on this node") || strings.Contains(again, "A/A") {
		t.Errorf("another A/A measurement: got %s, want its own limit only", again)
	}
	other := measured[0]
	other.X = "e2e"
	if got := facts(t, onHost(rounds(1, 1.02), "node7"), Options{AA: []AA{other}}).Sentences()[0]; strings.Contains(got, "A/A") {
		t.Errorf("the noise of another axis is named: %s", got)
	}
	if err := KeepAA(root, []AA{other}); err != nil {
		t.Fatal(err)
	}
	if known, err = ReadAA(root); err != nil || len(known) != 2 {
		t.Errorf("the measurement of another axis was replaced: %+v, %v", known, err)
	}
	if err := os.WriteFile(filepath.Join(root, AAName), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAA(root); err == nil || !strings.Contains(err.Error(), filepath.Join(root, AAName)) {
		t.Errorf("a broken file: %v", err)
	}
	if err := KeepAA(root, measured); err == nil {
		t.Error("a broken file was replaced")
	}
}
