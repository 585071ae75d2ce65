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

// shmDir is where POSIX shared memory and semaphores lie. A killed process leaves
// its own there, and they hold memory until the next boot.
const shmDir = "/dev/shm"

// shmFile is a file of shmDir. The inode tells it from a later one of that name.
type shmFile struct {
	Name  string `json:"name"`
	Inode uint64 `json:"inode"`
}

func (f shmFile) path() string { return filepath.Join(shmDir, f.Name) }

// Shared watches shmDir while one topology runs. What existed before is never
// touched, nor what anybody has open or mapped.
type Shared struct {
	ledger *Ledger
	before []shmFile
	held   []shmFile // by processes of the run, when Sample looked
}

// Shared takes down what is there before a launch.
func (l *Ledger) Shared() (*Shared, error) {
	before, err := listShm()
	return &Shared{ledger: l, before: before}, err
}

// Sample looks what the run's processes hold of what is new, and records it, so
// that a later process may remove it. run lists these processes; it is asked only
// where there is something whose they may be.
func (s *Shared) Sample(run func() []proc.Proc) error {
	files, err := s.fresh()
	files = slices.DeleteFunc(files, func(f shmFile) bool { return slices.Contains(s.held, f) })
	if err != nil || len(files) == 0 {
		return err
	}
	holders := proc.Holders(run(), shmDir)
	found := slices.DeleteFunc(files, func(f shmFile) bool { return len(holders[f.path()]) == 0 })
	if len(found) == 0 {
		return nil
	}
	s.held = append(s.held, found...)
	var held journal.SharedMemoryHeld
	for _, f := range found {
		held.Held = append(held.Held, journal.SharedMemoryFile(f))
	}
	s.ledger.journal.Note(held)
	return nil
}

// Sweep removes what the run held and nobody holds any more. It returns what was
// removed, and what else is new of this user and not of the run, as far as was seen.
func (s *Shared) Sweep() (removed, others []string, err error) {
	removed, err = removeShm(s.held, false)
	files, listErr := s.fresh()
	for _, f := range files {
		if !slices.Contains(s.held, f) {
			others = append(others, f.path())
		}
	}
	return removed, others, errors.Join(err, listErr)
}

// Left names what is there that the run held, with those of run who hold it still.
func (s *Shared) Left(run []proc.Proc) (left []string) {
	if len(s.held) == 0 {
		return nil
	}
	holders := proc.Holders(run, shmDir)
	for _, f := range s.held {
		if by := holders[f.path()]; len(by) > 0 && f.there() {
			left = append(left, fmt.Sprintf("%s is held by process %v", f.path(), by[0]))
		}
	}
	return left
}

// fresh is what is new of this user's since the launch.
func (s *Shared) fresh() ([]shmFile, error) {
	files, err := listShm()
	return slices.DeleteFunc(files, func(f shmFile) bool { return slices.Contains(s.before, f) }), err
}

// listShm lists this user's files. A machine without shmDir has none.
func listShm() ([]shmFile, error) {
	entries, err := os.ReadDir(shmDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", shmDir, err)
	}
	var files []shmFile
	for _, e := range entries {
		if f, ok := statShm(e.Name()); ok {
			files = append(files, f)
		}
	}
	return files, nil
}

// statShm is a regular file of this user's.
func statShm(name string) (shmFile, bool) {
	info, err := os.Lstat(filepath.Join(shmDir, name))
	if err != nil || !info.Mode().IsRegular() {
		return shmFile{}, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return shmFile{Name: name, Inode: stat.Ino}, ok && int(stat.Uid) == os.Geteuid()
}

// there reports whether the very file is still there.
func (f shmFile) there() bool {
	now, ok := statShm(f.Name)
	return ok && now == f
}

// removeShm removes those files that are still the same, and that no process has
// open or mapped. It returns their paths; when dry it only finds them.
func removeShm(files []shmFile, dry bool) (removed []string, err error) {
	files = slices.DeleteFunc(slices.Clone(files), func(f shmFile) bool { return filepath.Base(f.Name) != f.Name || !f.there() })
	if len(files) == 0 {
		return nil, nil
	}
	all, err := proc.Snapshot()
	if err != nil {
		return nil, err
	}
	holders := proc.Holders(all, shmDir)
	for _, f := range files {
		if len(holders[f.path()]) > 0 || slices.Contains(removed, f.path()) {
			continue
		}
		if !dry {
			err = errors.Join(err, os.Remove(f.path()))
		}
		removed = append(removed, f.path())
	}
	return removed, err
}
