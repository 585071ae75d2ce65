package artifacts

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"topobench/internal/text"
)

// SidecarName is the file in a published cell that holds topobench's verdict.
const SidecarName = "topobench.json"

// maxInputs is the size in bytes above which inputs.json stays in the attempt:
// it repeats every prompt and nothing reads it.
const maxInputs = 1 << 20

// Artifacts is one artifacts_N directory: one repeat of one topology.
type Artifacts struct {
	N    int
	Path string // absolute
}

// Name is artifacts_N.
func (a Artifacts) Name() string { return filepath.Base(a.Path) }

// Cell is where the cell of that concurrency is published: perf.sh's name.
func (a Artifacts) Cell(concurrency int) string {
	return filepath.Join(a.Path, fmt.Sprintf("-concurrency%d", concurrency))
}

// NextArtifacts makes artifacts_N below the root with the lowest free N, which
// is perf.sh's rule. Two runs at once never get the same one.
func (d *Dir) NextArtifacts() (Artifacts, error) {
	for n := 0; ; n++ {
		path := filepath.Join(d.root, fmt.Sprintf("artifacts_%d", n))
		err := os.Mkdir(path, 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return Artifacts{}, Cannot("create", path, err)
		}
		if err := text.Sync(d.root); err != nil {
			return Artifacts{}, Cannot("create", path, err)
		}
		return Artifacts{N: n, Path: path}, nil
	}
}

// Publish gives an accepted attempt its place among the results, with sidecar
// as its topobench.json. The attempt keeps all its files. The cell appears
// whole or not at all; one that is there already is an error.
//
// It is built beside the attempt, not beside the cell: upstream's
// plot_pareto.py walks hidden directories too and would draw a half-built cell
// that a kill left. Both lie below one root, so the rename stays on one disk.
func Publish(attempt, cell string, sidecar []byte) error {
	stage, err := os.MkdirTemp(filepath.Dir(attempt), ".tmp-publish-")
	if err != nil {
		return Cannot("publish", cell, err)
	}
	err = fillCell(attempt, stage, sidecar)
	if err == nil {
		err = os.Rename(stage, cell)
	}
	if err != nil {
		return errors.Join(Cannot("publish", cell, err), os.RemoveAll(stage))
	}
	if err := text.Sync(filepath.Dir(cell)); err != nil {
		return Cannot("publish", cell, err)
	}
	return nil
}

// fillCell puts what belongs into a published cell on the disk in stage.
func fillCell(attempt, stage string, sidecar []byte) error {
	entries, err := os.ReadDir(attempt)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		if !published(info) {
			continue
		}
		if err := linkOrCopy(filepath.Join(attempt, e.Name()), filepath.Join(stage, e.Name())); err != nil {
			return err
		}
	}
	if err := text.WriteFile(filepath.Join(stage, SidecarName), sidecar, 0o644); err != nil {
		return err
	}
	return os.Chmod(stage, 0o755)
}

// published says whether a file at the top of an attempt belongs into the
// cell. Directories do not: aiperf 0.13 keeps a second export in phases/, which
// plot_pareto.py would draw as a point of its own.
func published(info fs.FileInfo) bool {
	name := info.Name()
	switch {
	case !info.Mode().IsRegular(), name == SidecarName, strings.HasSuffix(name, ".log"), strings.HasPrefix(name, ".tmp-"):
		return false
	case name == "inputs.json":
		return info.Size() <= maxInputs
	}
	return true
}

// linkOrCopy makes to the same file as from, or a copy where the file system
// has no hard links, and brings it to the disk.
func linkOrCopy(from, to string) error {
	if err := os.Link(from, to); err == nil {
		return text.Sync(to)
	}
	return copyFile(from, to)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close(), in.Close())
}
