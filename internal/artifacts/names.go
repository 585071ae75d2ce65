// Package artifacts owns the tree on disk: its names, and writes that survive a crash.
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
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"topobench/internal/text"
)

const (
	// StateDir is the directory below the artifacts root that has one directory a run.
	StateDir = ".topobench"
	// SidecarName is the file in a published cell with topobench's verdict.
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

// NextArtifacts creates artifacts_N below the root with the lowest free N, which
// is perf.sh's rule. Two runs at once never get the same one.
func (d *Dir) NextArtifacts() (Artifacts, error) {
	for n := 0; ; n++ {
		path := filepath.Join(d.root, fmt.Sprintf("artifacts_%d", n))
		err := os.Mkdir(path, 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = text.Sync(d.root)
		}
		if err != nil {
			return Artifacts{}, Cannot("create", path, err)
		}
		return Artifacts{N: n, Path: path}, nil
	}
}
