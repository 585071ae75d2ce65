package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/artifacts"
)

func TestF26TooFewOpenFilesAndF71TooLittleSpaceAreReported(t *testing.T) { scripts(t, "room") }
func TestF70ALogThatIsFlooded(t *testing.T)                              { scripts(t, "logcap") }
func TestF71AIPerfFindsNoSpace(t *testing.T)                             { scripts(t, "aiperf-full") }

// faultyDisk runs a program whose artifacts root is a small tmpfs that only it sees,
// breaks that disk when the run is held, and lets the run go on. What is then in the
// root is copied to "kept".
const faultyDisk = `set -eu
fault=$1; shift
mkdir root kept
case $fault in
quota) ` + quotaDisk + ` ;;
*) mount -t tmpfs -o size=8m,nr_inodes=1000 tmpfs root ;;
esac
"$@" &
run=$!
until [ -e held ]; do kill -0 $run; sleep 0.01; done
case $fault in
full) head -c 9m /dev/zero >root/filler 2>/dev/null || : ;;
inodes) (cd root && seq 2000 | xargs touch 2>/dev/null) || : ;;
read-only) mount --bind root root; mount -o remount,bind,ro root ;;
quota) btrfs qgroup limit 64k root ;;
removed) rm -r root/.topobench/* ;;
esac
touch go
wait $run && code=0 || code=$?
cp -r root/. kept
exit $code
`

// diskFault is one way and moment for a disk to break.
type diskFault struct {
	why, fault, at string // at: a phase and its number
	code           int    // of topobench running agg.yaml and disagg.yaml at 1, 2 and 4
	says           []string
	finished       int // cells that must be whole; no other may be there
}

// The first cell was finished in all that happens from the second on.
func TestF71AFullDiskAtEveryPlace(t *testing.T) {
	const told = "what was started is taken down"
	for _, f := range []diskFault{
		{"deployment_config.json and plan.sh", "full", "plan 1", 1, []string{"no space left on device; free some space", told}, 0},
		{"the journal, while services start", "full", "start 1", 1, []string{"journal.ndjson: no space left on device", told}, 0},
		{"aiperf's files and the journal", "full", "cell 2", 3, []string{"no space left on device; free some space", told, "is gone: no process left"}, 1},
		{"the cell's place among the results", "full", "publish 2", 3, []string{"no space left on device", told, "is gone: no process left"}, 1},
		{"deployment_config.json of the next topology", "full", "teardown 1", 1, []string{"no space left on device", "is gone: no process left"}, 3},
		{"chart and CSV", "full", "report 1", 1, []string{"results.csv: ", "no space left on device; free some space"}, 6},
	} {
		f.test(t)
	}
}

func TestF72ADiskThatBecomesReadOnly(t *testing.T) {
	told := []string{"read-only file system; the file system is mounted read-only", "what was started is taken down"}
	for _, f := range []diskFault{
		{"deployment_config.json and plan.sh", "read-only", "plan 1", 1, []string{"artifacts_0: " + told[0], told[1]}, 0},
		{"a service's log", "read-only", "launch 1", 1, []string{".log: " + told[0], told[1]}, 0},
		{"aiperf's files", "read-only", "cell 2", 3, append(told, "is gone: no process left"), 1},
		{"the cell's place among the results", "read-only", "publish 2", 3, append(told, "cannot publish", "is gone: no process left"), 1},
		{"deployment_config.json of the next topology", "read-only", "teardown 1", 1, append(told, "artifacts_1: ", "is gone: no process left"), 3},
		{"chart and CSV", "read-only", "report 1", 1, []string{"results.csv: ", told[0]}, 6},
	} {
		f.test(t)
	}
}

// Root may write everywhere, and a user that a namespace makes root as well.
func TestF72APermissionThatIsTakenAway(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root needs no permission: run the tests as an ordinary user")
	}
	s := newWorkspace(t)
	if _, err := s.launch("it", append(paths(), "LC_AT=hold cell 2"), "topobench", "run", "agg.yaml", "--artifacts-root-dir", "root"); err != nil {
		t.Fatal(err)
	}
	s.reaches(t, "held")
	results := filepath.Join(s.dir, "root", "artifacts_0")
	if err := os.Chmod(results, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Chmod(results, 0o700); err != nil { // so that it can be removed
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(s.dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, err := s.code("it")
	if stderr := s.text("it.err"); err != nil || code != 3 || !strings.Contains(stderr, "permission denied; you have no permission there") || !strings.Contains(stderr, "what was started is taken down") {
		t.Errorf("exit code %d (%v), want 3:\n%s", code, err, stderr)
	}
	s.gone(t, 0)
	if cells := s.glob("root/artifacts_0/-concurrency*"); len(cells) != 1 {
		t.Errorf("cells %q, want the finished one", cells)
	}
}

func TestF73TheRunDirectoryIsRemoved(t *testing.T) {
	for _, f := range []diskFault{
		{"before a cell was measured", "removed", "smoke 1", 1, []string{"cannot find the run directory", "it was removed or replaced", "what was started is taken down", "is gone: no process left"}, 0},
		{"in a cell", "removed", "cell 2", 3, []string{"cannot find the run directory", "what was started is taken down", "is gone: no process left"}, 1},
	} {
		f.test(t)
	}
}

func TestF74NoInodesAreLeftForACell(t *testing.T) {
	diskFault{"in a cell", "inodes", "cell 2", 3, []string{"no space left on device; free some space (or inodes, see df -i)", "is gone: no process left"}, 1}.test(t)
}

func (f diskFault) test(t *testing.T) {
	t.Run(f.fault+"/"+f.at, func(t *testing.T) {
		namespace := mountNamespace(t)
		t.Parallel()
		s := newWorkspace(t)
		argv := append(namespace, "sh", "-c", faultyDisk, "sh", f.fault, "topobench", "run", "agg.yaml", "disagg.yaml",
			"--concurrency", "1,2,4", "--artifacts-root-dir", "root", "--min-free", "0")
		if _, err := s.launch("it", append(paths(), "LC_AT=hold "+f.at), argv...); err != nil {
			t.Fatal(err)
		}
		f.judge(t, s)
		if f.fault != "removed" && f.finished < 6 {
			f.continued(t, s)
		}
	})
}

// continued goes on with the campaign on a disk that works, to which its root was copied.
func (f diskFault) continued(t *testing.T, s *workspace) {
	t.Helper()
	s.topobench(t, 0, nil, "run", "--resume", "--artifacts-root-dir", "kept")
	if said := s.text("it.err"); !strings.Contains(said, fmt.Sprintf("%d cell", f.finished)) {
		t.Errorf("%s: not %d cells are finished:\n%s", f.why, f.finished, said)
	}
	if cells := s.glob("kept/artifacts_*/-concurrency*"); len(cells) != 6 {
		t.Errorf("%s: cells %q, want 6", f.why, cells)
	}
}

// judge waits for the run's end.
func (f diskFault) judge(t *testing.T, s *workspace) {
	t.Helper()
	code, err := s.code("it")
	if err != nil {
		t.Fatal(err)
	}
	stderr := s.text("it.err")
	if code != f.code {
		t.Errorf("%s: exit code %d, want %d:\n%s", f.why, code, f.code, stderr)
	}
	for _, want := range f.says {
		if !strings.Contains(stderr, want) {
			t.Errorf("%s: %q is not said:\n%s", f.why, want, stderr)
		}
	}
	if n := strings.Count(stderr, "append to the journal"); n > 2 { // on the screen, and as the reason in the end
		t.Errorf("%s: the journal's fault is said %d times:\n%s", f.why, n, stderr)
	}
	s.gone(t, 0)
	f.kept(t, s)
}

// kept fails the test for a finished cell that is not there or not whole, for one
// that did not finish, and for a directory that was made again.
func (f diskFault) kept(t *testing.T, s *workspace) {
	t.Helper()
	cells := s.glob("kept/artifacts_*/-concurrency*")
	if len(cells) != f.finished {
		t.Errorf("%s: cells %q, want %d", f.why, cells, f.finished)
	}
	for _, cell := range cells {
		for _, file := range []string{"profile_export_aiperf.json", artifacts.SidecarName} {
			if text := s.text(filepath.Join(cell, file)); !strings.HasSuffix(strings.TrimSpace(text), "}") {
				t.Errorf("%s: half a cell: %s/%s", f.why, cell, file)
			}
		}
	}
	if again := s.glob("kept/.topobench/*"); f.fault == "removed" && len(again) > 0 {
		t.Errorf("made again: %q", again)
	}
	if half := append(s.glob("kept/.*.csv.*"), s.glob("kept/.*.png.*")...); len(half) > 0 {
		t.Errorf("half a file: %q", half)
	}
}

// mountNamespace is the command line by which a program gets mounts of its own.
func mountNamespace(t *testing.T) []string {
	t.Helper()
	argv := []string{"unshare", "--mount"}
	if os.Geteuid() != 0 {
		argv = append(argv, "--map-root-user")
	}
	probe := append(argv, "mount", "-t", "tmpfs", "tmpfs", t.TempDir())
	if said, err := exec.Command(probe[0], probe[1:]...).CombinedOutput(); err != nil {
		t.Skipf("this system gives no mount namespace with a tmpfs: %v %s", err, said)
	}
	return argv
}
