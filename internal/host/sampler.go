package host

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/shirou/gopsutil/v3/disk"
)

// Space is what a file system has left for this user. Quotas are not in it.
type Space struct {
	Bytes, Files uint64 // Files are inodes; NoLimit where they are made as needed
	Remote       string // the kind of a file system on another machine, as "NFS"; "" for a local one
}

// NoLimit is the number of inodes of a file system that makes them as needed.
const NoLimit = 1<<64 - 1

// Disk is the space below path. The last parts of path need not exist yet.
func Disk(path string) (Space, error) {
	fail := func(err error) (Space, error) {
		return Space{}, fmt.Errorf("cannot see how much space there is at %s: %w", path, err)
	}
	at, err := filepath.Abs(path)
	if err != nil {
		return fail(err)
	}
	for {
		usage, err := disk.Usage(at)
		if parent := filepath.Dir(at); errors.Is(err, fs.ErrNotExist) && parent != at {
			at = parent
			continue
		}
		if err != nil {
			return fail(err)
		}
		space := Space{Bytes: usage.Free, Files: usage.InodesFree, Remote: remote(usage.Fstype)}
		if usage.InodesTotal == 0 { // btrfs, and some remote ones
			space.Files = NoLimit
		}
		return space, nil
	}
}

// remote names the file systems of other machines, by the library's names of types.
func remote(kind string) string {
	return map[string]string{
		"nfs": "NFS", "smb": "SMB", "cifs": "CIFS", "lustre": "Lustre", "gpfs": "GPFS", "fhgfs": "BeeGFS",
		"ceph": "Ceph", "afs": "AFS", "k-afs": "AFS", "panfs": "PanFS", "v9fs": "9p", "fuseblk": "FUSE",
	}[kind]
}
