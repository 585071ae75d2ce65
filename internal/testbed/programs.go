package testbed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// ProgramKey is the variable with the path of the plain program. test.sh builds one for all
// packages, because an ordinary user cannot build it in a read-only tree. Without the
// variable, Run builds one for its package.
const ProgramKey = "TESTBED_PROGRAM"

// ChildCommand makes the plain program a child with a habit: NAME child HABIT [ARGUMENT...].
const ChildCommand = "child"

// Program returns the path of the plain program of ./cmd: a child with a habit, or a shepherd.
func Program() string { return os.Getenv(ProgramKey) }

// Argv returns the command line of a child with a habit.
func Argv(habit string, args ...string) []string {
	return append([]string{Program(), ChildCommand, habit}, args...)
}

// Install links the plain program into a directory of the PATH, under the names of the
// programs that it fakes, and as "shepherd".
func Install(dir string) error {
	names := []string{"shepherd", "python3", "vllm", "aiperf", "nginx", "etcd", "nats-server", "nvidia-smi", "openai-server"}
	for _, name := range names {
		if err := link(Program(), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// link gives a program a second name. It copies the program if that is on another file
// system or belongs to another user.
func link(from, to string) error {
	if err := os.Link(from, to); err == nil {
		return nil
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o755)
}

// withProgram builds the plain program, unless there is one, and calls run.
func withProgram(run func() int) int {
	if Program() != "" {
		return run()
	}
	dir, err := os.MkdirTemp("", "testbed-")
	if err == nil {
		defer os.RemoveAll(dir) // a failure only leaves temporary files
		path := filepath.Join(dir, "child")
		err = errors.Join(build(path), os.Setenv(ProgramKey, path))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot build the plain program of the tests:", err)
		return 1
	}
	return run()
}

// build writes the plain program to path. -buildvcs=false: git refuses a tree of another user.
func build(path string) error {
	text, err := exec.Command("go", "build", "-race=false", "-trimpath", "-buildvcs=false", "-o", path,
		"topobench/internal/testbed/cmd").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return nil
}

// End is os.Exit for a test binary that acts as another program. It skips the second that
// the race detector waits for late reports.
func End(code int) { syscall.Exit(code) }
