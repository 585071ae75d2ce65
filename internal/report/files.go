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

// Files writes pareto_plot.png, pareto_plot.svg and results.csv into each directory (pareto_plot_p50.png and so on
// for a statistic other than avg, as plot_pareto.py names them). A reader never finds half a file. It returns the
// paths of the written files, and an error that names each of the others.
func (f Facts) Files(dirs ...string) (written []string, err error) {
	files := f.files()
	var others sync.WaitGroup
	for i := 1; i < len(files); i++ {
		others.Go(func() { files[i].err = files[i].render(&files[i].content) })
	}
	files[0].err = files[0].render(&files[0].content) // the PNG takes longer than the other two
	others.Wait()
	var faults []error
	for _, dir := range dirs {
		for _, file := range files {
			path, fault := filepath.Join(dir, file.name), file.err
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

type file struct {
	name    string
	render  func(io.Writer) error
	content bytes.Buffer
	err     error
}

// files lists the files for Files, the PNG first.
func (f Facts) files() []*file {
	suffix := ""
	if f.Stat != "avg" {
		suffix = "_" + f.Stat
	}
	font, picture := chart.Load(), f.Picture() // once, before two goroutines draw
	drawn := func(draw func(io.Writer, chart.Picture) error) func(io.Writer) error {
		return func(w io.Writer) error {
			if font != nil {
				return font
			}
			return draw(w, picture)
		}
	}
	return []*file{
		{name: "pareto_plot" + suffix + ".png", render: drawn(chart.PNG)},
		{name: "pareto_plot" + suffix + ".svg", render: drawn(chart.SVG)},
		{name: "results" + suffix + ".csv", render: f.CSV},
	}
}
