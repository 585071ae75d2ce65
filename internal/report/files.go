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
	files := []file{
		{name: f.Chart(), render: func(w io.Writer) error { return chart.PNG(w, picture) }},
		{name: "pareto_plot" + suffix + ".svg", render: func(w io.Writer) error { return chart.SVG(w, picture) }},
		{name: "results" + suffix + ".csv", render: f.CSV},
		{name: "summary" + suffix + ".csv", render: f.Summary},
	}
	var all sync.WaitGroup
	all.Go(func() { files[0].write(dirs) })
	all.Go(func() { // together they take less time than the PNG
		for i := range files[1:] {
			files[1+i].write(dirs)
		}
	})
	all.Wait()
	var faults []error
	for _, file := range files {
		written, faults = append(written, file.written...), append(faults, file.faults...)
	}
	return written, errors.Join(faults...)
}

// file is one of the files, where it was written, and where not.
type file struct {
	name    string
	render  func(io.Writer) error
	written []string
	faults  []error
}

func (f *file) write(dirs []string) {
	var content bytes.Buffer
	fault := f.render(&content)
	for _, dir := range dirs {
		path, err := filepath.Join(dir, f.name), fault
		if err == nil {
			err = text.WriteFile(path, content.Bytes(), 0o644)
		}
		if err != nil {
			f.faults = append(f.faults, fmt.Errorf("cannot write %s: %w", path, err))
			continue
		}
		f.written = append(f.written, path)
	}
}
