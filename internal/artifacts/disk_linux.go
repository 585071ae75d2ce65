package artifacts

import (
	"os"
	"syscall"
)

func spaceOf(path string) (Space, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return Space{}, err
	}
	space := Space{Bytes: s.Bavail * uint64(s.Bsize), Files: s.Ffree, Remote: remote(uint32(s.Type))}
	if s.Files == 0 {
		space.Files = NoLimit // btrfs, and some remote ones
	}
	return space, nil
}

// Datasync brings the data of a file to the disk. Unlike fsync it leaves the file's
// times alone, which spares a second write.
func Datasync(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return err
		}
	}
}
