package artifacts

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"topobench/internal/text"
)

// maxInputs is in bytes. A larger inputs.json stays in the attempt: it repeats every prompt,
// and no program reads it.
const maxInputs = 1 << 20

// Publish publishes an accepted attempt as a cell, with sidecar as its topobench.json. The
// attempt keeps all its files. The cell appears complete or not at all. Publish fails if the
// cell exists.
//
// Publish builds the cell beside the attempt, not beside the other cells: after a kill,
// upstream's plot_pareto.py would draw a half-built cell there, because it walks hidden
// directories too. Both are below one root, so the rename stays on one disk.
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

// fillCell writes the files of a published cell to stage, and syncs them.
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
	return text.IfSupported(os.Chmod(stage, 0o755))
}

// published reports whether a file at the top of an attempt belongs to the cell. Directories
// do not, because plot_pareto.py would draw aiperf 0.13's second export in phases/ as a point
// of its own.
func published(info fs.FileInfo) bool {
	name := info.Name()
	switch {
	case !info.Mode().IsRegular(), name == SidecarName:
		return false
	case strings.HasSuffix(name, ".log"), strings.HasPrefix(name, ".tmp-"):
		return false
	case name == "inputs.json":
		return info.Size() <= maxInputs
	}
	return true
}

// linkOrCopy links the file from as to, or copies it if the file system has no hard links, and
// syncs it.
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
		err = text.IfSupported(out.Sync())
	}
	return errors.Join(err, out.Close(), in.Close())
}
