package artifacts

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// Space is the free space of a file system for this user, without regard to quotas.
type Space struct {
	Bytes, Files uint64 // Files are inodes
	Remote       string // the kind of a file system on another machine, as "NFS"; "" for a local one
}

// NoLimit is the number of inodes of a file system that creates them on demand.
const NoLimit = 1<<64 - 1

// SpaceAt is the space below path. Its last elements need not exist yet.
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
