package cli_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// catalogue are the faults that this version answers for. A test that shows one has
// its id in its name: TestF30WorkerDiesInACell; of several faults all ids lead.
const catalogue = `
F01 a service dies at its start            F02 with exit 0
F03 a GPU is out of memory                 F04 the kernel kills for memory
F05 a leader lives without its engine      F06 a service hangs while it loads
F07 a service is slow and well             F08 a stranger has a port
F09 a port is taken at the last moment     F10 two services want one port
F11 a GPU is not there                     F12 GPUs are in another order
F13 somebody else uses a GPU               F14 a GPU is lost or in a wrong mode
F15 nvidia-smi hangs                       F16 etcd or NATS dies
F17 instances of an earlier run            F18 a foreign etcd
F19 nginx refuses its configuration        F20 nginx leaves its master or its files
F21 a worker is missing                    F22 another model answers
F23 readiness flaps                        F24 ready, and no completion
F25 a program is missing or wrong          F26 too few open files
F27 a model cannot be fetched              F28 a process cannot be started
F30 a worker dies in a cell                F31 a worker hangs in a cell
F32 a worker restarts in a cell            F33 a GPU is shared or slowed in a cell
F34 the balancer keeps a server out        F35 the kernel complains in a cell
F36 the load has no CPU left               F43 aiperf leaves children
F50 a signal in every phase                F51 Ctrl-C once, twice, three times
F52 topobench stands still                 F53 the terminal is closed
F54 a reader of the output goes away       F55 topobench is killed
F56 a shepherd is killed                   F57 topobench and shepherds are killed
F58 a panic, a deadlock                    F59 the kernel kills topobench
F5A the machine was booted                 F5B two runs at once
F5C clean beside a living run              F5D a pid has a new owner
F5E the clock jumps                        F5F a process that cannot be killed
F5G a zombie with living threads           F5H a chain of forks
F5I descriptors and memory over time       F5J the binary is replaced
F60 GPU memory comes back late or never    F61 a leader is gone, its child is deaf
F62 a signal during a start                F63 a port is not given back
F64 shared memory is left                  F66 a teardown is interrupted
F67 etcd and NATS go last                  F70 a log without end
F71 the disk is full                       F72 a disk fails or is read-only
F73 the run directory is removed           F74 no inodes, a name too long
F75 the root is on another machine`

// dropped: ids of the catalogue that this version has no use for.
//
//	F65 a cgroup that cannot be removed: topobench makes none, since a container may
//	    not have the right to; shepherds do its work

// pending are ids that no test shows yet.
func pending() []string { return nil }

// Every fault of the catalogue has a test, and no test names one that is not there.
func TestEveryFaultHasATest(t *testing.T) {
	var promised []string
	for _, m := range regexp.MustCompile(`\bF[0-9][0-9A-J] `).FindAllString(catalogue, -1) {
		promised = append(promised, strings.TrimSpace(m))
	}
	shown := shownFaults(t)
	for _, id := range promised {
		has := len(shown[id]) > 0
		if waits := slices.Contains(pending(), id); has == waits {
			t.Errorf("%s: its tests are %q, and that it is pending is %t", id, shown[id], waits)
		}
	}
	for id, tests := range shown {
		// F4x and F8x are about what aiperf writes and what profiles hold.
		if !slices.Contains(promised, id) && id[1] != '4' && id[1] != '8' {
			t.Errorf("%s of %q is not in the catalogue", id, tests)
		}
	}
}

// shownFaults are the tests of the repository by the ids in their names, those with
// build tags included.
func shownFaults(t *testing.T) map[string][]string {
	t.Helper()
	test, id := regexp.MustCompile(`(?m)^func Test((?:F[0-9][0-9A-J])+)\w*\(t `), regexp.MustCompile(`F..`)
	shown := map[string][]string{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range test.FindAllStringSubmatch(string(text), -1) {
			for _, f := range id.FindAllString(m[1], -1) {
				shown[f] = append(shown[f], strings.TrimSuffix(strings.TrimPrefix(m[0], "func "), "(t "))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return shown
}
