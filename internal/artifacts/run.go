// Package artifacts is the tree on disk: its names, and writes that survive a crash.
//
// Below the artifacts root a run keeps its own state in .topobench/<run-id>/
// (modes 0700 and 0600) and publishes its results in artifacts_N/:
//
//	artifacts_N/deployment_config.json
//	artifacts_N/-concurrencyC/            aiperf's export, and topobench.json
//	.topobench/<run-id>/topologies/<name>/
//	.topobench/<run-id>/cells/<topology>/c<C>-r<R>/attempt-<k>/
//
// A file is either complete or absent, and no published file is ever overwritten.
package artifacts

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"topobench/internal/text"
)

// Dir is the directory of one run, <root>/.topobench/<run-id>.
type Dir struct {
	path    string
	created fs.FileInfo // of path; nil for a run that another process created
}

// NewID names a run by its start in UTC, to the second, and the first two random bytes:
// 20261124-094805-3f2a.
func NewID(t time.Time, random []byte) string {
	return t.UTC().Format("20060102-150405-") + hex.EncodeToString(random[:2])
}

// Create creates the directory of a new run below root, and root itself if it is missing. It
// fails if the run exists.
func Create(root, id string) (*Dir, error) {
	if err := checkName("run id", id); err != nil {
		return nil, err
	}
	root, err := prepareRoot(root)
	if err != nil {
		return nil, err
	}
	d := At(filepath.Join(root, StateDir, id))
	if err := os.Mkdir(d.path, 0o700); err != nil {
		return nil, Cannot("create the run directory", d.path, err)
	}
	if d.created, err = os.Stat(d.path); err != nil {
		return nil, Cannot("check the run directory", d.path, err)
	}
	return d, nil
}

// At returns the directory of a run that another process created. It may be gone by now.
func At(path string) *Dir { return &Dir{path: path} }

// ID is the run's id.
func (d *Dir) ID() string { return filepath.Base(d.path) }

// Root is the artifacts root: absolute, links resolved.
func (d *Dir) Root() string { return filepath.Dir(filepath.Dir(d.path)) }

// Path is <root>/.topobench/<run-id>.
func (d *Dir) Path() string { return d.path }

// Topology returns topologies/<name> in the run's directory, and creates it if it is
// missing. It holds the logs and rendered files of that topology.
func (d *Dir) Topology(name string) (string, error) {
	if err := errors.Join(checkName("topology", name), d.Check()); err != nil {
		return "", err
	}
	path := filepath.Join(d.path, "topologies", name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", Cannot("create the topology directory", path, err)
	}
	return path, nil
}

// Attempt creates cells/<topology>/c<concurrency>-r<repeat>/attempt-<k> in the run's
// directory; k counts from 1. It fails if the attempt exists, because no attempt may write
// into the files of another.
func (d *Dir) Attempt(id CellID, k int) (string, error) {
	if err := errors.Join(checkName("topology", id.Topology), d.Check()); err != nil {
		return "", err
	}
	cell := filepath.Join(d.path, "cells", id.Topology, fmt.Sprintf("c%d-r%d", id.Concurrency, id.Repeat))
	if err := os.MkdirAll(cell, 0o700); err != nil {
		return "", Cannot("create the cell directory", cell, err)
	}
	path := filepath.Join(cell, fmt.Sprintf("attempt-%d", k))
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", Cannot("create the attempt directory", path, err)
	}
	return path, nil
}

// GoneError reports that a run's directory was removed or replaced during the run.
type GoneError struct{ Path string }

func (e *GoneError) Error() string {
	return fmt.Sprintf("cannot find the run directory %s: it was removed or replaced while the run used it", e.Path)
}

// Check fails with *GoneError if the run's directory is not the one that Create created. The
// run must not create a removed directory again in part.
func (d *Dir) Check() error {
	if d.created == nil {
		return nil
	}
	now, err := os.Stat(d.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, d.created) {
		return &GoneError{Path: d.path}
	}
	if err != nil {
		return Cannot("check the run directory", d.path, err)
	}
	return nil
}

// prepareRoot creates root and its state directory, and returns root absolute with links
// resolved. It refuses "/" and a directory inside another run's state.
func prepareRoot(root string) (string, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return "", Cannot("find the artifacts root", root, err)
	}
	if err := os.MkdirAll(abs, 0o755); err != nil {
		return "", Cannot("create the artifacts root", abs, err)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", Cannot("find the artifacts root", root, err)
	}
	if abs == "/" {
		return "", errors.New("cannot use / as the artifacts root: name a directory of your own")
	}
	if slices.Contains(strings.Split(abs, "/"), StateDir) {
		return "", fmt.Errorf("cannot use %s as the artifacts root: it is inside another run's %s directory; "+
			"name one outside", abs, StateDir)
	}
	return abs, makeState(filepath.Join(abs, StateDir))
}

// makeState creates the state directory. It refuses a link in its place: a run of root could
// follow the link into the directory of another user.
func makeState(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return Cannot("create the state directory", path, err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return Cannot("use the state directory", path, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("cannot use %s: it is not a directory; move it away", path)
	}
	return nil
}

// nameLimit is that of a profile's name, 64, and two for the arm of an A/A measurement.
const nameLimit = 66

// checkName accepts a single path element: letters, digits, dot, dash and
// underscore, a letter or digit first.
func checkName(what, name string) error {
	const rest = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	if name == "" || len(name) > nameLimit || strings.Trim(name, rest) != "" || strings.ContainsAny(name[:1], "._-") {
		return fmt.Errorf("cannot use %q as a %s: use at most %d letters, digits, dots, dashes and underscores, "+
			"a letter or digit first", name, what, nameLimit)
	}
	return nil
}

const (
	// StateDir is the directory below the artifacts root with one directory per run.
	StateDir = ".topobench"
	// SidecarName is the file with topobench's verdict in a published cell.
	SidecarName = "topobench.json"
	// DeploymentName is upstream's file in artifacts_N that describes the topology.
	DeploymentName = "deployment_config.json"
	// RunVariable has the run's id in the environment of every process of the run.
	RunVariable = "TOPOBENCH_RUN"
)

// CellID names one measurement of a run: a topology at one concurrency. Repeat counts
// from 1.
type CellID struct {
	Topology            string
	Concurrency, Repeat int
}

// CellName is the directory of a published cell in artifacts_N: perf.sh's name.
func CellName(concurrency int) string { return fmt.Sprintf("-concurrency%d", concurrency) }

// Artifacts is one artifacts_N directory: one repeat of one topology.
type Artifacts struct {
	N    int
	Path string // absolute
}

// Name is artifacts_N.
func (a Artifacts) Name() string { return filepath.Base(a.Path) }

// Cell is the path of the published cell of that concurrency.
func (a Artifacts) Cell(concurrency int) string { return filepath.Join(a.Path, CellName(concurrency)) }

// NextArtifacts creates artifacts_N below the root with the lowest free N, as perf.sh does.
// Two runs at once never get the same directory.
func (d *Dir) NextArtifacts() (Artifacts, error) {
	for n := 0; ; n++ {
		path := filepath.Join(d.Root(), fmt.Sprintf("artifacts_%d", n))
		err := os.Mkdir(path, 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = text.Sync(d.Root())
		}
		if err != nil {
			return Artifacts{}, Cannot("create", path, err)
		}
		return Artifacts{N: n, Path: path}, nil
	}
}
