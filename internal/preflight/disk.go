package preflight

import (
	"errors"
	"fmt"
	"os"

	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/profile"
)

// Disk use of one cell, measured on aiperf 0.13: 182 KiB and, at 300 input tokens, 4.9 KiB a request, 2 KiB of
// which are its prompt.
const (
	cellBytes    = 256 << 10
	requestBytes = 4 << 10
	tokenBytes   = 8
	cellFiles    = 40
	serviceFiles = 40
)

// tempNeed is the space for sockets, and for files that programs unpack, in a run's directory in /tmp.
const tempNeed = 64 << 20

// need is the disk space that a run takes, in bytes and inodes.
type need struct{ cells, logs, files uint64 }

// needOf is the space for the cells of that many launches of each profile, beside that many bytes of logs.
func needOf(profiles []profile.Profile, launches int, logs uint64) need {
	n := need{logs: logs, files: 100}
	for _, p := range profiles {
		services := len(p.Prefill) + len(p.Decode) + len(p.Aggregated) + 4 // frontend, balancer, etcd, NATS
		n.files += uint64(serviceFiles * services)
		for _, concurrency := range p.Load.Concurrency {
			n.cells += cellBytes + uint64(12*concurrency*(requestBytes+tokenBytes*p.Load.ISL))
			n.files += cellFiles
		}
	}
	n.cells, n.files = n.cells*uint64(launches), n.files*uint64(launches)
	return n
}

// check compares the need with the space at path; another names the flag or variable that moves path.
func (n need) check(path string, has host.Space, another string) Check {
	remedy := fmt.Sprintf("free some space, choose another place (%s), or lower --min-free", another)
	total := artifacts.Size(n.cells + n.logs)
	switch {
	case has.Bytes < uint64(total):
		return fail(Disk, fmt.Sprintf("cannot start with so little space: %s has %s free, and this run needs %s: "+
			"%s for the files of its cells, %s for logs",
			path, artifacts.Size(has.Bytes), total, artifacts.Size(n.cells), artifacts.Size(n.logs)), remedy)
	case has.Files < n.files:
		return fail(Disk, fmt.Sprintf("cannot start with so little space: %s can take %d more files (df -i), "+
			"and this run creates up to %d", path, has.Files, n.files), remedy)
	}
	return ok(Disk, fmt.Sprintf("%s has %s free, and this run needs %s", path, artifacts.Size(has.Bytes), total))
}

// disk checks the places of results and of temporary files.
func (r Request) disk() []Check {
	var checks []Check
	if r.LogCap > 0 && r.LogCap < host.LeastLog {
		checks = append(checks, fail(Disk, fmt.Sprintf("--log-cap %s is less than %s", artifacts.Size(r.LogCap),
			artifacts.Size(host.LeastLog)), "raise it, or use 0 for no cap"))
	}
	if info, err := os.Stat(r.Root); err == nil && !info.IsDir() {
		checks = append(checks, fail(Disk, fmt.Sprintf("cannot write below %s: it is not a directory", r.Root),
			"choose another --artifacts-root-dir"))
	}
	space, err := host.Disk(r.Root)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		checks = append(checks, fail(Disk, err.Error(), ""))
	case r.MinFree > 0:
		need := needOf(r.Profiles, max(1, r.Launches), r.MinFree)
		checks = append(checks, need.check(r.Root, space, "--artifacts-root-dir"))
	}
	if space.Remote != "" {
		checks = append(checks, remoteDisk(r.Root, space.Remote))
	}
	return append(checks, r.space(tempNeed)...)
}

// space checks the place of temporary files, which needs that many bytes.
func (r Request) space(bytes uint64) []Check {
	space, err := host.Disk(r.Temp)
	if err != nil || r.MinFree == 0 {
		return nil
	}
	return []Check{need{logs: bytes, files: 100}.check(r.Temp, space, r.TempName)}
}

// remoteDisk warns of a file system of that kind on another machine. Only results are there: the locks of a run are
// in its directory in /tmp.
func remoteDisk(root, kind string) Check {
	return warn(Disk, fmt.Sprintf("%s is on %s: logs and results go over the network during the load, "+
		"and a slow server delays them", root, kind),
		"use a local --artifacts-root-dir, and copy it when the run is done")
}

// Open files: childFiles is the limit that children get where the system allows it (vLLM itself requires 65535). A run
// needs leastFiles, and for each request the sockets of the load, the worker, and the frontend's or the balancer's two.
const (
	childFiles      = 65536
	leastFiles      = 512
	filesPerRequest = 4
)

// openFiles raises the limit on open files as far as the system allows, and warns when the highest concurrency needs
// more.
func (r Request) openFiles() []Check {
	highest := 0
	for _, p := range r.Profiles {
		for _, c := range p.Load.Concurrency {
			highest = max(highest, c)
		}
	}
	got, err := host.OpenFiles(childFiles)
	if err != nil {
		return []Check{fail(OpenFiles, err.Error(), "")}
	}
	found := fmt.Sprintf("a process may open %d files here", got)
	if need := uint64(leastFiles + filesPerRequest*highest); got < need {
		return []Check{warn(OpenFiles, fmt.Sprintf("%s, and concurrency %d can take %d", found, highest, need),
			"raise the hard limit (ulimit -Hn) if requests fail")}
	}
	return []Check{ok(OpenFiles, found)}
}
