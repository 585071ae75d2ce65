package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"topobench/internal/chart"
	"topobench/internal/text"
)

// Chart is the file name of the picture.
func (f Facts) Chart() string { return "pareto_plot" + f.axis.File + ".png" }

// Files writes pareto_plot.png, pareto_plot.svg, results.csv and summary.csv into each directory: pareto_plot_p50.png
// and so on for a statistic other than avg, as plot_pareto.py names them, and pareto_plot_e2e.png for another axis. A
// reader never finds half a file. It returns the paths of the written files, and an error that names each of the
// others.
func (f Facts) Files(dirs ...string) (written []string, err error) {
	suffix := f.axis.File
	picture := f.Picture()
	files := []struct {
		name    string
		render  func(io.Writer) error
		content bytes.Buffer
		fault   error
	}{
		{name: f.Chart(), render: func(w io.Writer) error { return chart.PNG(w, picture) }},
		{name: "pareto_plot" + suffix + ".svg", render: func(w io.Writer) error { return chart.SVG(w, picture) }},
		{name: "results" + suffix + ".csv", render: f.CSV},
		{name: "summary" + suffix + ".csv", render: f.Summary},
	}
	var all sync.WaitGroup
	render := func(first, last int) {
		for i := first; i <= last; i++ {
			files[i].fault = files[i].render(&files[i].content)
		}
	}
	all.Go(func() { render(0, 1) }) // one after another: the first picture parses the font
	all.Go(func() { render(2, 3) })
	all.Wait()
	var faults []error
	for _, dir := range dirs {
		for _, file := range files {
			path, fault := filepath.Join(dir, file.name), file.fault
			if fault == nil {
				fault = text.WriteFile(path, file.content.Bytes(), 0o644)
			}
			if fault != nil {
				faults = append(faults, fmt.Errorf("cannot write %s: %w", path, fault))
				continue
			}
			written = append(written, path)
		}
	}
	return written, errors.Join(faults...)
}
