package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/recovery"
	"topobench/internal/testbed"
)

// workspace is where topobench runs for a test: a directory with profiles, ports that
// nobody else has, and a mark in the environment of all that is started.
type workspace struct {
	dir     string
	bin     string // has topobench
	temp    string // of the runs' private directories: short, as the path of a socket requires
	mark    string // NAME=value
	ports   string // hundreds of the block: its port 10 is <ports>10
	lock    net.Listener
	running map[string]*running
}

// running is a process in the background. Its output goes to NAME.out and NAME.err.
type running struct {
	cmd   *exec.Cmd
	files []*os.File // it has its own copies once it runs
	ended chan struct{}
}

// build makes dir a workspace, with the profiles of testdata/profiles beside its own.
func build(dir string) (*workspace, error) {
	s := &workspace{dir: dir, bin: programs(), running: map[string]*running{},
		mark: fmt.Sprintf("LC_TESTBED=%s-%d", filepath.Base(dir), time.Now().UnixNano())}
	s.ports, s.lock = block()
	temp, err := os.MkdirTemp("/tmp", "topobench-test-")
	if err != nil {
		return nil, err
	}
	s.temp = temp
	shared, err := filepath.Glob("testdata/profiles/*.yaml")
	if err != nil {
		return nil, err
	}
	own, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, path := range append(shared, own...) {
		if err := s.place(path); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// newWorkspace is a workspace for a test that is no script.
func newWorkspace(t testing.TB) *workspace {
	t.Helper()
	s, err := build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close(t) })
	return s
}

// place copies a profile: @10 in it is port 10 of the block.
func (s *workspace) place(from string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, filepath.Base(from)), bytes.ReplaceAll(text, []byte("@"), []byte(s.ports)), 0o644)
}

// vars is the part of the environment that belongs to the workspace. GORACE:
// topobench need not wait a second for late reports.
func (s *workspace) vars() []string {
	return []string{s.mark, "GORACE=atexit_sleep_ms=0", "TERM=dumb", "TOPOBENCH_CACHE=" + filepath.Join(s.dir, "cache"), "TOPOBENCH_TMP=" + s.temp}
}

// launch runs a program in the background, under a name, with env added to its own.
func (s *workspace) launch(name string, env []string, argv ...string) (*running, error) {
	r, err := s.prepare(name, env, argv...)
	if err != nil {
		return nil, err
	}
	return r, s.begin(name, r)
}

// prepare is a program that is not started yet; its output goes to files.
func (s *workspace) prepare(name string, env []string, argv ...string) (*running, error) {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, err
	}
	if argv[0] == "topobench" {
		path = filepath.Join(s.bin, "topobench")
	}
	r := &running{cmd: exec.Command(path, argv[1:]...), ended: make(chan struct{})}
	r.cmd.Dir, r.cmd.Env = s.dir, append(s.vars(), env...)
	stdout, err := os.Create(filepath.Join(s.dir, name+".out"))
	if err != nil {
		return nil, err
	}
	stderr, err := os.Create(filepath.Join(s.dir, name+".err"))
	if err != nil {
		return nil, errors.Join(err, stdout.Close())
	}
	r.cmd.Stdout, r.cmd.Stderr, r.files = stdout, stderr, []*os.File{stdout, stderr}
	return r, nil
}

func (s *workspace) begin(name string, r *running) error {
	err := r.cmd.Start()
	for _, f := range r.files {
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return err
	}
	s.running[name] = r
	go func() {
		defer close(r.ended)
		_ = r.cmd.Wait() // who asks looks at its state
	}()
	return nil
}

// code waits for the end of what runs under name. One that a signal ended has -1;
// one that does not end is told to say where it stands.
func (s *workspace) code(name string) (int, error) {
	r := s.running[name]
	delete(s.running, name)
	select {
	case <-r.ended:
		return r.cmd.ProcessState.ExitCode(), nil
	case <-time.After(patience):
		err := r.cmd.Process.Signal(syscall.SIGQUIT)
		<-r.ended
		return 0, errors.Join(fmt.Errorf("%s has not ended within %s:\n%s", name, patience, s.text(name+".err")), err)
	}
}

// over says that what runs under name has ended.
func (s *workspace) over(name string) bool {
	select {
	case <-s.running[name].ended:
		return true
	default:
		return false
	}
}

// text is a file of the workspace; one that cannot be read has none.
func (s *workspace) text(name string) string {
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// block is a block of 200 free ports, by its hundreds: as high as a profile may go,
// above what other tests use. Until mine is closed, no
// other go test on this machine takes the same block.
func block() (hundreds string, mine net.Listener) {
	const first, blocks = 252, 34
	for n := rand.IntN(blocks); ; n = (n + 1) % blocks {
		hundreds := fmt.Sprint(first + 2*n)
		mine, err := net.Listen("unix", "@topobench-test-block-"+hundreds)
		if err != nil {
			<-time.After(time.Millisecond) // there may be more tests than blocks
			continue
		}
		if len(taken(hundreds)) == 0 {
			return hundreds, mine
		}
		mine.Close()
	}
}

// taken are the ports of a block that do not bind, on loopback or on all addresses.
func taken(hundreds string) (ports []int) {
	var first int
	fmt.Sscan(hundreds+"00", &first)
	for port := first; port < first+200; port++ {
		for _, host := range []string{"127.0.0.1", "0.0.0.0"} {
			l, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", host, port))
			if err != nil {
				ports = append(ports, port)
				break
			}
			l.Close()
		}
	}
	return ports
}

// close ends what a test left running, and fails the test for what survives.
// It closes the runs of killed topobenches, whose temporary directories wait for that.
func (s *workspace) close(t testing.TB) {
	defer s.lock.Close()
	for _, r := range s.running {
		_ = r.cmd.Process.Kill() // it may have ended
		<-r.ended
	}
	if left := s.left(5 * time.Second); left != "" {
		t.Errorf("%s: left behind:\n%s", filepath.Base(s.dir), left)
		for _, p := range testbed.Carriers(s.mark) {
			_ = syscall.Kill(p.PID, syscall.SIGKILL) // one failure must not spoil the next test
		}
	}
	runs, err := filepath.Glob(filepath.Join(s.dir, "*", artifacts.StateDir, "[0-9]*")) // runs, and not what was done by hand
	for _, path := range runs {
		run, openErr := recovery.Open(path)
		err = errors.Join(err, openErr)
		if openErr == nil {
			err = errors.Join(err, run.Close())
		}
	}
	if err = errors.Join(err, os.RemoveAll(s.temp)); err != nil {
		t.Errorf("%s: %v", filepath.Base(s.dir), err)
	}
}

// left waits for the workspace's processes to be gone and names those that are not.
func (s *workspace) left(limit time.Duration) string {
	if testbed.Soon(limit, func() bool { return len(testbed.Carriers(s.mark)) == 0 }) {
		return ""
	}
	var lines []string
	for _, p := range testbed.Carriers(s.mark) {
		lines = append(lines, "  "+p.String())
	}
	return strings.Join(lines, "\n")
}
