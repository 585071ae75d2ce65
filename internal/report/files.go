package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"topobench/internal/chart"
)

// Files writes pareto_plot.png, pareto_plot.svg and results.csv into dir (pareto_plot_p50.png and so on
// for a statistic other than avg, as plot_pareto.py names them). Each appears whole or not at all. It
// returns the paths that were written, and an error that names each file that was not.
func (f Facts) Files(dir string) ([]string, error) {
	files := f.render()
	var all sync.WaitGroup
	for i := range files {
		file := &files[i]
		file.path = filepath.Join(dir, file.path)
		all.Go(func() { // side by side: each waits for the disk
			if file.err == nil {
				file.err = replace(file.path, file.content.Bytes())
			}
		})
	}
	all.Wait()
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
	path    string
	content bytes.Buffer
	err     error
}

// render makes the content of the files, one after the other as chart demands.
func (f Facts) render() []file {
	suffix := ""
	if f.Stat != "avg" {
		suffix = "_" + f.Stat
	}
	picture := f.Picture()
	files := []file{{path: "pareto_plot" + suffix + ".png"}, {path: "pareto_plot" + suffix + ".svg"}, {path: "results" + suffix + ".csv"}}
	files[0].err = chart.PNG(&files[0].content, picture)
	files[1].err = chart.SVG(&files[1].content, picture)
	files[2].err = f.CSV(&files[2].content)
	return files
}

// replace writes beside the file and renames, so that a reader never finds half of it.
func replace(path string, content []byte) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	_, err = temp.Write(content)
	// CreateTemp makes it private; a picture is to be shown.
	err = errors.Join(err, temp.Chmod(0o644), temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
