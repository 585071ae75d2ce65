package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Lead is a temporary directory and the run that its pointer names.
type Lead struct{ Temp, Run string }

// Unfinished lists the runs to which this user's temporary directories below temp
// ("" is DefaultTemp) lead: those that live, and those whose owner was killed.
// Nothing that is read here is believed: Open tells whether it is such a run.
func Unfinished(temp string) ([]Lead, error) {
	if temp == "" {
		temp = DefaultTemp
	}
	entries, err := os.ReadDir(temp)
	if err != nil {
		return nil, Cannot("list the temporary directories in", temp, err)
	}
	var leads []Lead
	for _, e := range entries {
		path := filepath.Join(temp, e.Name())
		if !strings.HasPrefix(e.Name(), tempPrefix) || !Mine(path) {
			continue
		}
		if run := (&tempDir{path: path}).target(); run != "" {
			leads = append(leads, Lead{Temp: path, Run: run})
		}
	}
	return leads, nil
}

// Widow takes over the temporary directory of a run whose own directory is gone, with
// the lock, so that Close removes it. While the owner lives it fails with *LiveError, and
// with fs.ErrNotExist where somebody else has removed it.
func Widow(l Lead) (*Dir, error) {
	temp, err := openTempDir(l.Temp)
	if err == nil && temp.lock != nil {
		err = temp.take()
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, &LiveError{Path: l.Run}
	case err != nil:
		return nil, err
	case temp.target() != l.Run:
		return nil, errors.Join(Cannot("take over", l.Temp, fs.ErrNotExist), temp.leave())
	}
	if _, err := os.Lstat(l.Run); !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("cannot tell what run %s left: there is %s, but not the %s that it had; end what has TOPOBENCH_RUN=%s in its environment, and remove %s",
			filepath.Base(l.Run), l.Run, markerName, filepath.Base(l.Run), l.Temp), err, temp.leave())
	}
	return &Dir{id: filepath.Base(l.Run), root: filepath.Dir(filepath.Dir(l.Run)), path: l.Run, temp: temp}, nil
}

// Unlocked reports whether the run has no temporary directory of its own: it was
// closed, or somebody emptied the place where it lay.
func (d *Dir) Unlocked() bool { return d.temp.lock == nil }

// Leave gives up the lock and leaves the temporary directory where it is, for a
// later process to finish the run.
func (d *Dir) Leave() error { return d.temp.leave() }
