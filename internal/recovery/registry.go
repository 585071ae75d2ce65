package recovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"topobench/internal/artifacts"
)

// markerName is the file that identifies a directory as that of a run.
const markerName = "run.json"

// marker has what a later process needs to finish a killed run.
type marker struct {
	Run   string `json:"run"`
	Host  string `json:"host"`  // the machine that has Temp
	Temp  string `json:"temp"`  // the temporary directory
	Inode uint64 `json:"inode"` // of the temporary directory
	// Transient: the directory of the run itself is removed with it.
	Transient bool `json:"transient,omitempty"`
}

// errOtherHost is the error of a run of another machine.
var errOtherHost = errors.New("it was started on")

// LiveError reports that the owner of a run is still running.
type LiveError struct{ Path string }

func (e *LiveError) Error() string {
	return fmt.Sprintf("cannot take over %s: its run is still running; wait for it or stop it", e.Path)
}

// Run is the directory of a run with its private temporary directory. Its owner holds
// a lock until Close.
type Run struct {
	*artifacts.Dir
	temp      *tempDir
	transient bool // its own directory goes with it
}

// Create creates the directory of a new run below root, and the run's private
// temporary directory below temp ("" is DefaultTemp), which must be on a local disk.
// A run that exists is an error.
func Create(root, temp, id string) (*Run, error) { return create(root, temp, id, false) }

// CreateTransient is Create for a run whose own directory goes with it, as an agent's does. Its root is removed when
// it is empty.
func CreateTransient(root, temp, id string) (*Run, error) { return create(root, temp, id, true) }

func create(root, temp, id string, transient bool) (*Run, error) {
	if temp == "" {
		temp = DefaultTemp
	}
	dir, err := artifacts.Create(root, id)
	if err != nil {
		return nil, err
	}
	r := &Run{Dir: dir, transient: transient}
	if r.temp, err = newTempDir(temp, r.Path()); err != nil {
		return nil, errors.Join(err, os.Remove(r.Path()))
	}
	if err := r.writeMarker(); err != nil {
		return nil, errors.Join(err, r.temp.remove(), os.RemoveAll(r.Path()))
	}
	return r, nil
}

// TempDir is the TMPDIR of the run's children: private, outside the root, and
// short, because a unix socket's path ends at 107 bytes.
func (r *Run) TempDir() string { return r.temp.path }

// Close removes the temporary directory, checks that it is gone, and gives up the
// lock. The run's own directory stays, unless it is transient. A second Close does nothing.
func (r *Run) Close() error {
	if err := r.temp.remove(); err != nil || !r.transient {
		return err
	}
	if err := os.RemoveAll(r.Path()); err != nil {
		return artifacts.Cannot("remove the directory of the run", r.Path(), err)
	}
	if os.Remove(filepath.Dir(r.Path())) == nil { // else it has another run
		_ = os.Remove(r.Root()) // likewise
	}
	return nil
}

// hasNoTempDir reports whether the run was closed, or its temporary directory removed.
func (r *Run) hasNoTempDir() bool { return r.temp.lock == nil }

// unlock gives up the lock and keeps the temporary directory, so that a later process
// finds the run.
func (r *Run) unlock() error { return r.temp.unlock() }

// List returns the paths of the runs below root, oldest first. A root without runs has
// none; that is no error.
func List(root string) ([]string, error) {
	state := filepath.Join(root, artifacts.StateDir)
	entries, err := os.ReadDir(state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, artifacts.Cannot("list the runs in", state, err)
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

// Own reports whether path is the directory of a run of this user. The command in another one must not be run.
func Own(path string) bool { return isRunDir(path) }

// isRunDir reports whether path is the directory of a run of this user.
func isRunDir(path string) bool {
	return ownedByUser(path) && ownedByUser(filepath.Join(path, markerName))
}

// Open takes over the directory of a run whose owner is gone, with the lock, so that
// Close removes its temporary directory. It fails with *LiveError while the owner runs;
// the owner's shepherds may still run. It never opens the run of another user, even for
// root: that directory may hold links to any file.
func Open(path string) (*Run, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, artifacts.Cannot("open the run", path, err)
	}
	m, err := readMarker(path)
	if err != nil {
		return nil, err
	}
	temp, err := lockTempDir(path, m)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, &LiveError{Path: path}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the run %s: %w", path, err)
	}
	return &Run{artifacts.At(path), temp, m.Transient}, nil
}

// lockTempDir locks the temporary directory in m. It leaves a directory alone that is
// not the one the run made, or that does not point back to the run: a planted marker
// must not make us delete files of another program, nor wait for its lock.
func lockTempDir(path string, m marker) (*tempDir, error) {
	temp, err := openTempDir(m.Temp)
	if err != nil || temp.lock == nil {
		return temp, err
	}
	inode, owner, err := temp.identify()
	if err == nil && inode == m.Inode && owner == os.Geteuid() && sameDir(temp.target(), path) {
		return temp, temp.take()
	}
	return &tempDir{path: m.Temp}, errors.Join(err, temp.unlock())
}

// sameDir reports whether two paths lead to one directory.
func sameDir(a, b string) bool {
	one, err := os.Stat(a)
	other, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(one, other)
}

func readMarker(path string) (marker, error) {
	file := filepath.Join(path, markerName)
	for _, own := range []string{path, file} {
		if _, err := os.Lstat(own); err == nil && !ownedByUser(own) {
			name, as := owner(own)
			return marker{}, fmt.Errorf("cannot open the run %s: another user owns it (%s), or it is a link; "+
				"its owner has to clean it (sudo -u %s topobench clean)", path, name, as)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return marker{}, artifacts.Cannot("read the run's marker", file, err)
	}
	var m marker
	if err := json.Unmarshal(data, &m); err != nil {
		return marker{}, artifacts.Cannot("read the run's marker", file, err)
	}
	host, err := os.Hostname()
	switch {
	case err != nil:
		return marker{}, fmt.Errorf("cannot open the run %s: %w", path, err)
	case m.Run != filepath.Base(path) || !plausibleTemp(m.Temp):
		return marker{}, fmt.Errorf("cannot open the run %s: its %s belongs to something else; "+
			"remove the directory by hand", path, markerName)
	case m.Host != host:
		return marker{}, fmt.Errorf("cannot open the run %s: %w %s; clean it there", path, errOtherHost, m.Host)
	}
	return m, nil
}

func (r *Run) writeMarker() error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("cannot find the name of this machine: %w", err)
	}
	inode, _, err := r.temp.identify()
	if err != nil {
		return err
	}
	data, err := json.Marshal(marker{Run: r.ID(), Host: host, Temp: r.TempDir(), Inode: inode,
		Transient: r.transient})
	if err != nil {
		return artifacts.Cannot("write the marker in", r.Path(), err)
	}
	return artifacts.WriteFile(filepath.Join(r.Path(), markerName), append(data, '\n'), 0o600)
}
