package artifacts

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// childMode is the environment variable with the role of the test binary when a test starts it
// again.
const childMode = "ARTIFACTS_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childMode) {
	case "":
		m.Run()
	case "rewrite":
		report(rewrite(os.Args[1]))
	default:
		report(platformChild(os.Getenv(childMode), os.Args[1]))
	}
}

// report prints the result of a role, for the parent.
func report(err error) {
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ok")
}

// child is the test binary in a role.
type child struct {
	process *os.Process
	lines   *bufio.Scanner // its stdout
}

// start runs the test binary with one argument.
func start(t *testing.T, mode, arg string, sys *syscall.SysProcAttr) (child, error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	p, err := os.StartProcess(os.Args[0], []string{os.Args[0], arg}, &os.ProcAttr{
		Env:   append(os.Environ(), childMode+"="+mode),
		Files: []*os.File{nil, w, os.Stderr},
		Sys:   sys,
	})
	w.Close()
	return child{process: p, lines: bufio.NewScanner(r)}, err
}

// line waits for the next line of the child.
func (c child) line() string {
	c.lines.Scan()
	return c.lines.Text()
}

// kill kills the child and reaps it.
func (c child) kill(t *testing.T) {
	t.Helper()
	if err := c.process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.process.Wait(); err != nil {
		t.Fatal(err)
	}
}

// recorded reads a recorded file of aiperf.
func recorded(t testing.TB, parts ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"..", "aiperf", "testdata"}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
