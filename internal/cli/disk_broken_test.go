package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"topobench/internal/journal"

	"golang.org/x/sys/unix"
)

// The kernel refuses with EIO what is written into the journal; the rest of the disk
// works. Nothing can be kept of the run from then on.
func TestF72TheDiskOfTheJournalBreaks(t *testing.T) {
	told := []string{"cannot keep results: cannot append to the journal ", "/journal.ndjson: input/output error; the disk or its server does not work", "what was started is taken down"}
	for _, f := range []diskFault{
		{"while services start", "eio", "start 3", 1, told, 0},
		{"in a cell", "eio", "cell 2", 3, append(told, "is gone: no process left"), 1},
		{"in a teardown", "eio", "teardown 1", 1, append(told, "is gone: no process left"), 3},
	} {
		t.Run(f.at, func(t *testing.T) {
			t.Parallel()
			s := newWorkspace(t)
			if _, err := s.launch("it", append(paths(), "LC_AT=eio "+f.at), "topobench", "run", "agg.yaml", "disagg.yaml",
				"--concurrency", "1,2,4", "--artifacts-root-dir", "kept"); err != nil {
				t.Fatal(err)
			}
			f.judge(t, s)
			for _, path := range s.glob("kept/.topobench/*/" + journal.Name) {
				if _, err := journal.Read(filepath.Join(s.dir, path)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// quotaDisk mounts a disk with a quota at root. That of btrfs counts for root as well.
const quotaDisk = "truncate -s 64m disk; mkfs.btrfs -q -M disk; mount -o loop disk root; btrfs quota enable root"

func TestF72AQuotaThatIsUsedUp(t *testing.T) {
	probe := append(mountNamespace(t), "sh", "-ec", "mkdir root; "+quotaDisk)
	cmd := exec.Command(probe[0], probe[1:]...)
	cmd.Dir = t.TempDir()
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("this system gives no btrfs on a loop device, whose quota could be used up: %v %s", err, said)
	}
	const told, next = "disk quota exceeded; your disk quota is used up: free some of it", "what was started is taken down"
	for _, f := range []diskFault{
		{"a service's log", "quota", "launch 1", 1, []string{".log: " + told, next}, 0},
		{"aiperf's files and the journal", "quota", "cell 2", 3, []string{"journal.ndjson: " + told, next, "is gone: no process left"}, 1},
		{"chart and CSV", "quota", "report 1", 1, []string{"results.csv: ", told}, 6},
	} {
		f.test(t)
	}
}

// breakJournal puts under the journal's descriptor a file that refuses each write with
// EIO: address 0 of this process, where nothing is.
func breakJournal() {
	broken, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	fds, _ := filepath.Glob("/proc/self/fd/*") // the pattern is well formed
	for _, path := range fds {
		target, err := os.Readlink(path)
		if err != nil || filepath.Base(target) != journal.Name {
			continue
		}
		fd, err := strconv.Atoi(filepath.Base(path))
		if err == nil {
			err = unix.Dup2(int(broken.Fd()), fd)
		}
		if err != nil {
			panic(err)
		}
		unix.CloseOnExec(fd)
		return
	}
	panic("no journal is open: " + strings.Join(fds, " "))
}
