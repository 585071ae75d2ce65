// Package artifacts knows where a run's files lie and writes them so that they
// survive.
//
// Below the artifacts root a run keeps its own state in .topobench/<run-id>/
// (modes 0700 and 0600) and publishes its results in artifacts_N/. A file is
// either whole or not there; nothing published is ever overwritten; the
// journal can be read after a crash at any byte.
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
)

// StateDir is the directory below the artifacts root that holds one directory a run.
const StateDir = ".topobench"

// Dir is the directory of one run. Its owner holds a lock until Close.
type Dir struct {
	id, root, path string
	temp           *tempDir
	made           fs.FileInfo // of path; nil for a run that was taken over
}

// NewID names a run by its start in UTC, to the second, and two of the random
// bytes: 20261124-094805-3f2a. It needs two bytes at least.
func NewID(t time.Time, random []byte) string {
	return t.UTC().Format("20060102-150405-") + hex.EncodeToString(random[:2])
}

// Create makes the directory of a new run below root, and the run's private
// temporary directory below temp ("" is DefaultTemp), which must be on a local disk.
// A missing root is made; an existing run is an error.
func Create(root, temp, id string) (*Dir, error) {
	if temp == "" {
		temp = DefaultTemp
	}
	if err := checkName("run id", id); err != nil {
		return nil, err
	}
	root, err := prepareRoot(root)
	if err != nil {
		return nil, err
	}
	d := &Dir{id: id, root: root, path: filepath.Join(root, StateDir, id)}
	if err := os.Mkdir(d.path, 0o700); err != nil {
		return nil, Cannot("create the run directory", d.path, err)
	}
	if d.made, err = os.Stat(d.path); err != nil {
		return nil, Cannot("look at the run directory", d.path, err)
	}
	if d.temp, err = newTempDir(temp, d.path); err != nil {
		return nil, errors.Join(err, os.Remove(d.path))
	}
	if err := d.writeMarker(); err != nil {
		return nil, errors.Join(err, d.temp.remove(), os.RemoveAll(d.path))
	}
	return d, nil
}

// ID is the run's id.
func (d *Dir) ID() string { return d.id }

// Root is the artifacts root: absolute, links resolved.
func (d *Dir) Root() string { return d.root }

// Path is <root>/.topobench/<run-id>.
func (d *Dir) Path() string { return d.path }

// TempDir is the TMPDIR of the run's children: private, outside the root, and
// short, because a unix socket's path ends at 107 bytes.
func (d *Dir) TempDir() string { return d.temp.path }

// Topology returns topologies/<name> in the run's directory, making it when it
// is missing. Logs and rendered files of that topology go there.
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

// Attempt makes cells/<topology>/c<concurrency>-r<repeat>/attempt-<k>. An
// attempt that exists is an error: no try writes into another's files.
func (d *Dir) Attempt(topology string, concurrency, repeat, k int) (string, error) {
	if err := errors.Join(checkName("topology", topology), d.Check()); err != nil {
		return "", err
	}
	cell := filepath.Join(d.path, "cells", topology, fmt.Sprintf("c%d-r%d", concurrency, repeat))
	if err := os.MkdirAll(cell, 0o700); err != nil {
		return "", Cannot("create the cell directory", cell, err)
	}
	path := filepath.Join(cell, fmt.Sprintf("attempt-%d", k))
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", Cannot("create the attempt directory", path, err)
	}
	return path, nil
}

// Close removes the temporary directory and proves it gone, then gives up the
// lock. The run's own directory stays. A second Close does nothing.
func (d *Dir) Close() error { return d.temp.remove() }

// prepareRoot returns root absolute, links resolved, with its state directory
// in place. "/" and a place inside another run's state are refused.
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
		return "", fmt.Errorf("cannot use %s as the artifacts root: it lies inside another run's %s directory; name one outside", abs, StateDir)
	}
	return abs, makeState(filepath.Join(abs, StateDir))
}

// makeState makes the state directory. A link in its place is refused: it
// could lead a run started as root into a stranger's directory.
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

// checkName accepts what may be one part of a path: letters, digits, dot,
// dash and underscore, a letter or digit first.
func checkName(what, name string) error {
	const rest = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	if name == "" || len(name) > 64 || strings.Trim(name, rest) != "" || strings.ContainsAny(name[:1], "._-") {
		return fmt.Errorf("cannot use %q as a %s: use at most 64 letters, digits, dots, dashes and underscores, a letter or digit first", name, what)
	}
	return nil
}
