package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
)

func TestFilesAreNamedAsUpstreamNamesThem(t *testing.T) {
	for stat, want := range map[string][]string{
		"avg": {"pareto_plot.png", "pareto_plot.svg", "results.csv", "summary.csv"},
		"p50": {"pareto_plot_p50.png", "pareto_plot_p50.svg", "results_p50.csv", "summary_p50.csv"},
	} {
		dir := t.TempDir()
		f := recorded(t, Options{Stat: stat})
		for range 2 { // the second time they are replaced
			paths, err := f.Files(dir)
			if err != nil {
				t.Fatal(err)
			}
			for i, name := range want {
				if paths[i] != filepath.Join(dir, name) {
					t.Errorf("path %d is %s, want %s", i, paths[i], name)
				}
			}
		}
		if diff := cmp.Diff(want, names(t, dir)); diff != "" {
			t.Error("nothing else is left in the directory:", diff)
		}
	}
}

func TestFilesThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "results.csv", "taken"), 0o755); err != nil {
		t.Fatal(err)
	}
	paths, err := Facts{Stat: "avg"}.Files(dir)
	if err == nil || !strings.Contains(err.Error(), "cannot write "+filepath.Join(dir, "results.csv")) {
		t.Errorf("the error does not name the file: %v", err)
	}
	if len(paths) != 3 {
		t.Errorf("the pictures do not depend on the CSV: %v", paths)
	}
	if diff := cmp.Diff([]string{"pareto_plot.png", "pareto_plot.svg", "results.csv", "summary.csv"}, names(t, dir)); diff != "" {
		t.Error("the temporary file is gone:", diff)
	}
	if _, err := (Facts{Stat: "avg"}).Files(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that does not exist was written into")
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}

func TestPythonFloat(t *testing.T) {
	for v, want := range map[float64]string{
		50: "50.0", 0: "0.0", 0.1: "0.1", 71.3965288: "71.3965288", -2: "-2.0",
		1e15: "1000000000000000.0", 1e16: "1e+16", 1.5e300: "1.5e+300", 0.0001: "0.0001", 0.00001: "1e-05",
	} {
		if got := pythonFloat(v); got != want {
			t.Errorf("repr of %g is %s, want %s", v, got, want)
		}
	}
}

func TestFormulasAreDefused(t *testing.T) {
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "a=1": "a=1", "": "",
	} {
		if got := defused(text); got != want {
			t.Errorf("%q is written %q, want %q", text, got, want)
		}
	}
}

func TestTableHasNoControlSequences(t *testing.T) {
	cell := at("aggregated", 1, 1)
	cell.Deployment.Kind = "a\x1b]0;x\x07\n\u202eb"
	f, err := Of([]artifacts.Cell{cell}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	table := string(written(t, f.Table))
	if !strings.Contains(table, "\na b_aggregated ") || strings.Count(table, "\n") != 4 {
		t.Errorf("got %q", table)
	}
}
