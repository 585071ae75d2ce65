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

// Files writes pareto_plot.png, pareto_plot.svg and results.csv into dir (pareto_plot_p50.png and so on for a
// statistic other than avg, as plot_pareto.py names them). A reader never finds half a file. It returns the
// paths of the written files, and an error that names each of the others.
func (f Facts) Files(dir string) ([]string, error) {
	files := f.files(dir)
	var others sync.WaitGroup
	for i := 1; i < len(files); i++ {
		others.Go(func() { files[i].err = files[i].write() })
	}
	files[0].err = files[0].write() // the PNG takes longer than the other two
	others.Wait()
	var written []string
	var faults []error
	for _, file := range files {
		if file.err == nil {
			written = append(written, file.path)
			continue
		}
		faults = append(faults, fmt.Errorf("cannot write %s: %w", file.path, file.err))
	}
	return written, errors.Join(faults...)
}

type file struct {
	path   string
	render func(io.Writer) error
	err    error
}

// files lists the files for Files, the PNG first.
func (f Facts) files(dir string) []file {
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
	return []file{
		{path: filepath.Join(dir, "pareto_plot"+suffix+".png"), render: drawn(chart.PNG)},
		{path: filepath.Join(dir, "pareto_plot"+suffix+".svg"), render: drawn(chart.SVG)},
		{path: filepath.Join(dir, "results"+suffix+".csv"), render: f.CSV},
	}
}

func (f file) write() error {
	var content bytes.Buffer
	if err := f.render(&content); err != nil {
		return err
	}
	return text.WriteFile(f.path, content.Bytes(), 0o644)
}
