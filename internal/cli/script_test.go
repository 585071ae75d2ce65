package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"topobench/internal/cli"
	"topobench/internal/proctree"
	"topobench/internal/rundir"
	"topobench/internal/shepherd"
	"topobench/internal/testbed"
)

// TestMain makes the test binary topobench and every program that it drives.
func TestMain(m *testing.M) {
	commands := testbed.Fakes()
	commands["topobench"] = topobench
	testscript.Main(adopting{m}, commands)
}

// adopting runs the tests as a sub-reaper: what a killed topobench leaves falls to them.
type adopting struct{ m *testing.M }

func (a adopting) Run() int {
	if err := proctree.Adopt(); err != nil {
		fmt.Fprintln(os.Stderr, "some tests will fail:", err)
	}
	return a.m.Run()
}

func topobench() {
	testbed.Named()
	code := cli.Main(os.Args[1:], cli.OS())
	if len(os.Args) > 1 && os.Args[1] == shepherd.Command {
		testbed.End(code)
	}
	os.Exit(code) // the race detector has its word
}

// TestScripts runs testdata/script: the whole command line, in processes, against
// fakes. Each script has ports of its own, and at its end nothing it started lives.
func TestScripts(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are started on Linux only")
	}
	var taken atomic.Int64
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error { return setUp(t, env, &taken) },
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "start": start, "signal": send, "ends": ends, "waitfor": waitFor,
			"alive": alive, "audit": audit, "listen": listen, "get": get,
		},
	})
}

type stageKey struct{}

// stage is what a script has beside its files.
type stage struct {
	mark    string // in the environment of all it starts
	running map[string]*running
}

// running is a process in the background. Its output goes to NAME.out and NAME.err.
type running struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// setUp gives a script its ports, its mark and the profiles of testdata/profiles.
func setUp(t *testing.T, env *testscript.Env, taken *atomic.Int64) error {
	s := &stage{mark: "LC_TESTBED=" + filepath.Base(env.WorkDir) + "-" + fmt.Sprint(time.Now().UnixNano()), running: map[string]*running{}}
	env.Values[stageKey{}] = s
	env.Defer(func() { s.strike(t, env.WorkDir) })
	hundreds, mine := block(taken)
	env.Defer(func() { mine.Close() })
	// GORACE: topobench need not wait a second for late reports.
	env.Vars = append(env.Vars, s.mark, "P="+hundreds, "GORACE=atexit_sleep_ms=0", "J=root/.topobench/*/journal.ndjson",
		"BIN="+filepath.SplitList(os.Getenv("PATH"))[0], "TERM=dumb", "TOPOBENCH_CACHE="+filepath.Join(env.WorkDir, "cache"), "PID="+fmt.Sprint(os.Getpid()))
	shared, err := filepath.Glob("testdata/profiles/*.yaml")
	if err != nil {
		return err
	}
	own, err := filepath.Glob(filepath.Join(env.WorkDir, "*.yaml"))
	if err != nil {
		return err
	}
	for _, path := range append(shared, own...) {
		if err := place(path, filepath.Join(env.WorkDir, filepath.Base(path)), hundreds); err != nil {
			return err
		}
	}
	return nil
}

// place copies a profile: @10 in it is port 10 of the script's block.
func place(from, to, hundreds string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, bytes.ReplaceAll(text, []byte("@"), []byte(hundreds)), 0o644)
}

// block is a block of 200 free ports, by its hundreds: below what the kernel
// hands out, above what profiles and other tests use. Until mine is closed, no
// other go test on this machine takes the same block.
func block(taken *atomic.Int64) (string, net.Listener) {
	for {
		hundreds := 250 + 2*taken.Add(1)
		mine, err := net.Listen("unix", fmt.Sprintf("@topobench-test-block-%d", hundreds))
		if err != nil {
			continue
		}
		free := true
		for _, port := range []int64{10, 20, 21, 22, 100, 101, 102} {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 100*hundreds+port))
			if err != nil {
				free = false
				continue
			}
			l.Close()
		}
		if free {
			return fmt.Sprint(hundreds), mine
		}
		mine.Close()
	}
}

// strike ends what a script left running, and fails the test for what survives.
// It closes the runs of killed topobenches, whose temporary directories wait for that.
func (s *stage) strike(t *testing.T, workDir string) {
	for _, r := range s.running {
		_ = r.cmd.Process.Kill() // it may have ended
		<-r.ended
	}
	if left := s.left(5 * time.Second); left != "" {
		t.Errorf("%s: left behind:\n%s", filepath.Base(workDir), left)
		for _, p := range testbed.Carriers(s.mark) {
			_ = syscall.Kill(p.PID, syscall.SIGKILL) // one failure must not spoil the next test
		}
	}
	runs, err := filepath.Glob(filepath.Join(workDir, "*", rundir.StateDir, "*"))
	for _, path := range runs {
		run, openErr := rundir.Open(path)
		err = errors.Join(err, openErr)
		if openErr == nil {
			err = errors.Join(err, run.Close())
		}
	}
	if err != nil {
		t.Errorf("%s: %v", filepath.Base(workDir), err)
	}
}

// left waits for the script's processes to be gone and names those that are not.
func (s *stage) left(limit time.Duration) string {
	if testbed.Soon(limit, func() bool { return len(testbed.Carriers(s.mark)) == 0 }) {
		return ""
	}
	var lines []string
	for _, p := range testbed.Carriers(s.mark) {
		lines = append(lines, "  "+p.String())
	}
	return strings.Join(lines, "\n")
}

func stageOf(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }
