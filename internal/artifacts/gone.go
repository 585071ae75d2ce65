package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// GoneError says that a run's directory was removed, or replaced, under the run.
type GoneError struct{ Path string }

func (e *GoneError) Error() string {
	return fmt.Sprintf("cannot find the run directory %s: it was removed or replaced while the run used it", e.Path)
}

// Check fails with *GoneError when the run's directory is not the one that Create
// made. What was removed is not to be made again in part.
func (d *Dir) Check() error {
	if d.made == nil {
		return nil
	}
	now, err := os.Stat(d.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, d.made) {
		return &GoneError{Path: d.path}
	}
	if err != nil {
		return Cannot("look at the run directory", d.path, err)
	}
	return nil
}
