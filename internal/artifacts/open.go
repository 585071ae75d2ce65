package artifacts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// markerName is the file that says "a run of topobench made this directory".
const markerName = "run.json"

// marker is what a later process needs to finish what a killed run left.
type marker struct {
	Run   string `json:"run"`
	Host  string `json:"host"`  // whose /tmp it is
	Temp  string `json:"temp"`  // the temporary directory
	Inode uint64 `json:"inode"` // of the temporary directory
}

// ErrAbroad is that of a run of another machine.
var ErrAbroad = errors.New("it was started on")

// LiveError says that the process that made a run still runs.
type LiveError struct{ Path string }

func (e *LiveError) Error() string {
	return fmt.Sprintf("cannot take over %s: its run is still going; wait for it or stop it", e.Path)
}

// List returns the paths of the runs below root, oldest first. A root without
// runs has none; that is no error.
func List(root string) ([]string, error) {
	state := filepath.Join(root, StateDir)
	entries, err := os.ReadDir(state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, Cannot("list the runs in", state, err)
	}
	var runs []string
	for _, e := range entries {
		path := filepath.Join(state, e.Name())
		if _, err := os.Lstat(filepath.Join(path, markerName)); err == nil && e.IsDir() {
			runs = append(runs, path)
		}
	}
	return runs, nil
}

// Is reports whether path is the directory of a run of this user's own.
func Is(path string) bool { return Mine(path) && Mine(filepath.Join(path, markerName)) }

// Open takes over the directory of a run whose owner is gone, with the lock,
// so that Close removes what is left of its temporary directory. While the
// owner lives it fails with *LiveError. The owner's shepherds may outlive it. Another
// user's is not opened, also by root: what lies in it may be links to anywhere.
func Open(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, Cannot("open the run", path, err)
	}
	m, err := readMarker(path)
	if err != nil {
		return nil, err
	}
	temp, err := takeOver(path, m)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, &LiveError{Path: path}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the run %s: %w", path, err)
	}
	return &Dir{id: m.Run, root: filepath.Dir(filepath.Dir(path)), path: path, temp: temp}, nil
}

// takeOver locks the temporary directory that m names. One that is not the very
// directory the run made, and does not lead back to it, is left alone: a planted
// marker must not make us delete a stranger's files, nor wait for a stranger's lock.
func takeOver(path string, m marker) (*tempDir, error) {
	temp, err := openTempDir(m.Temp)
	if err != nil || temp.lock == nil {
		return temp, err
	}
	inode, owner, err := temp.identify()
	if err == nil && inode == m.Inode && owner == os.Geteuid() && same(temp.target(), path) {
		return temp, temp.take()
	}
	return &tempDir{path: m.Temp}, errors.Join(err, temp.leave())
}

// same reports whether two paths lead to one directory.
func same(a, b string) bool {
	one, err := os.Stat(a)
	other, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(one, other)
}

func readMarker(path string) (marker, error) {
	file := filepath.Join(path, markerName)
	for _, own := range []string{path, file} {
		if _, err := os.Lstat(own); err == nil && !Mine(own) {
			return marker{}, fmt.Errorf("cannot open the run %s: another user owns it, or it is a link; its owner has to clean it", path)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return marker{}, Cannot("read the run's marker", file, err)
	}
	var m marker
	if err := json.Unmarshal(data, &m); err != nil {
		return marker{}, Cannot("read the run's marker", file, err)
	}
	host, err := os.Hostname()
	switch {
	case err != nil:
		return marker{}, fmt.Errorf("cannot open the run %s: %w", path, err)
	case m.Run != filepath.Base(path) || !plausibleTemp(m.Temp):
		return marker{}, fmt.Errorf("cannot open the run %s: its %s belongs to something else; remove the directory by hand", path, markerName)
	case m.Host != host:
		return marker{}, fmt.Errorf("cannot open the run %s: %w %s; go there", path, ErrAbroad, m.Host)
	}
	return m, nil
}

func (d *Dir) writeMarker() error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("cannot name this machine: %w", err)
	}
	inode, _, err := d.temp.identify()
	if err != nil {
		return err
	}
	data, err := json.Marshal(marker{Run: d.id, Host: host, Temp: d.temp.path, Inode: inode})
	if err != nil {
		return Cannot("write the marker in", d.path, err)
	}
	return WriteFile(filepath.Join(d.path, markerName), append(data, '\n'), 0o600)
}
