package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"topobench/internal/host/proc"
	"topobench/internal/journal"
)

// shmDir has POSIX shared memory and semaphores. Those of a killed process stay there
// and use memory until the next boot.
const shmDir = "/dev/shm"

// Shared watches shmDir while one topology runs. It never touches a file that existed
// before, nor one that any process has open or mapped.
type Shared struct {
	ledger *Ledger
	before []journal.SharedMemoryFile
	held   []journal.SharedMemoryFile // by processes of the run, as far as Sample saw them
}

// Shared records what is in shmDir before a launch.
func (l *Ledger) Shared() (*Shared, error) {
	before, err := listShm()
	return &Shared{ledger: l, before: before}, err
}

// Sample records which new files the run's processes hold, so that a later process may
// remove them. It calls run, which lists these processes, only if there are new files.
func (s *Shared) Sample(run func() []proc.Proc) error {
	files, err := s.fresh()
	files = slices.DeleteFunc(files, func(f journal.SharedMemoryFile) bool { return slices.Contains(s.held, f) })
	if err != nil || len(files) == 0 {
		return err
	}
	holders := proc.Holders(run(), shmDir)
	found := slices.DeleteFunc(files, func(f journal.SharedMemoryFile) bool { return len(holders[shmPath(f)]) == 0 })
	if len(found) == 0 {
		return nil
	}
	s.held = append(s.held, found...)
	s.ledger.journal.Note(journal.SharedMemoryHeld{Held: found})
	return nil
}

// Remove removes the files that the run held and no process holds any more. It returns
// their paths, and the paths of this user's other new files.
func (s *Shared) Remove() (removed, others []string, err error) {
	removed, err = removeShm(s.held, false)
	files, listErr := s.fresh()
	for _, f := range files {
		if !slices.Contains(s.held, f) {
			others = append(others, shmPath(f))
		}
	}
	return removed, others, errors.Join(err, listErr)
}

// Left lists the files that processes of run still hold, each with its holder.
func (s *Shared) Left(run []proc.Proc) (left []string) {
	if len(s.held) == 0 {
		return nil
	}
	holders := proc.Holders(run, shmDir)
	for _, f := range s.held {
		if by := holders[shmPath(f)]; len(by) > 0 && present(f) {
			left = append(left, fmt.Sprintf("%s is held by process %v", shmPath(f), by[0]))
		}
	}
	return left
}

// fresh lists this user's files that are newer than the launch.
func (s *Shared) fresh() ([]journal.SharedMemoryFile, error) {
	files, err := listShm()
	return slices.DeleteFunc(files, func(f journal.SharedMemoryFile) bool { return slices.Contains(s.before, f) }), err
}

func shmPath(f journal.SharedMemoryFile) string { return filepath.Join(shmDir, f.Name) }

// listShm lists this user's files. A machine without shmDir has none.
func listShm() ([]journal.SharedMemoryFile, error) {
	entries, err := os.ReadDir(shmDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", shmDir, err)
	}
	var files []journal.SharedMemoryFile
	for _, e := range entries {
		if f, ok := statShm(e.Name()); ok {
			files = append(files, f)
		}
	}
	return files, nil
}

// statShm returns the regular file of that name, if it belongs to this user.
func statShm(name string) (journal.SharedMemoryFile, bool) {
	info, err := os.Lstat(filepath.Join(shmDir, name))
	if err != nil || !info.Mode().IsRegular() {
		return journal.SharedMemoryFile{}, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return journal.SharedMemoryFile{Name: name, Inode: stat.Ino}, ok && int(stat.Uid) == os.Geteuid()
}

// present reports whether this very file still exists.
func present(f journal.SharedMemoryFile) bool {
	now, ok := statShm(f.Name)
	return ok && now == f
}

// removeShm removes those of the files that still exist and that no process has open or
// mapped. It returns their paths; if dry is set it only finds them.
func removeShm(files []journal.SharedMemoryFile, dry bool) (removed []string, err error) {
	files = slices.DeleteFunc(slices.Clone(files), func(f journal.SharedMemoryFile) bool {
		return filepath.Base(f.Name) != f.Name || !present(f)
	})
	if len(files) == 0 {
		return nil, nil
	}
	all, err := proc.Snapshot()
	if err != nil {
		return nil, err
	}
	holders := proc.Holders(all, shmDir)
	for _, f := range files {
		if len(holders[shmPath(f)]) > 0 || slices.Contains(removed, shmPath(f)) {
			continue
		}
		if !dry {
			err = errors.Join(err, os.Remove(shmPath(f)))
		}
		removed = append(removed, shmPath(f))
	}
	return removed, err
}
