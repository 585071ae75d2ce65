package artifacts

import "syscall"

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
