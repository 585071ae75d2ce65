package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Space is what a file system has left for this user. Quotas are not in it.
type Space struct {
	Bytes, Files uint64 // Files are inodes; NoLimit where they are made as needed
	Remote       string // the kind of a file system on another machine, as "NFS"; "" for a local one
}

// NoLimit is the number of inodes of a file system that makes them as needed.
const NoLimit = 1<<64 - 1

// SpaceAt is the space below path, of which the last parts need not exist yet.
func SpaceAt(path string) (Space, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Space{}, Cannot("find", path, err)
	}
	for {
		space, err := spaceOf(abs)
		if parent := filepath.Dir(abs); errors.Is(err, fs.ErrNotExist) && parent != abs {
			abs = parent
			continue
		}
		if err != nil {
			return Space{}, Cannot("see how much space there is at", path, err)
		}
		return space, nil
	}
}

// remote names the file systems of other machines by their type in statfs(2).
func remote(kind uint32) string {
	return map[uint32]string{
		0x6969: "NFS", 0x517b: "SMB", 0xff534d42: "CIFS", 0xfe534d42: "SMB",
		0x0bd00bd0: "Lustre", 0x47504653: "GPFS", 0x19830326: "BeeGFS", 0x00c36400: "Ceph",
		0x5346414f: "AFS", 0x01021997: "9p", 0x65735546: "FUSE",
	}[kind]
}

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
