package testbed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// ProgramsKey names a directory that holds the plain programs. test.sh builds one for all
// packages, which an ordinary user can use in a tree where nothing may be written. Where it
// is not set, Run builds them for one package.
const ProgramsKey = "TESTBED_PROGRAMS"

// ChildCommand makes a plain program a child with a habit: NAME child HABIT [ARGUMENT...].
const ChildCommand = "child"

// programNames are what the one binary of ./cmd is linked as: "child" for children with a
// habit, the shepherd, and the fakes.
func programNames() []string {
	return []string{"child", "shepherd", "python3", "vllm", "aiperf", "nginx", "etcd", "nats-server", "nvidia-smi"}
}

// withPrograms calls run once the directory of ProgramsKey is there.
func withPrograms(run func() int) int {
	if os.Getenv(ProgramsKey) != "" {
		return run()
	}
	dir, err := os.MkdirTemp("", "testbed-programs-")
	if err == nil {
		defer os.RemoveAll(dir) // it is below the directory for temporary files
		err = errors.Join(build(dir), os.Setenv(ProgramsKey, dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot build the programs of the tests:", err)
		return 1
	}
	return run()
}

// build puts the plain programs into a directory. -buildvcs: git refuses a tree that another
// user owns.
func build(dir string) error {
	first := filepath.Join(dir, programNames()[0])
	text, err := exec.Command("go", "build", "-race=false", "-trimpath", "-buildvcs=false", "-o", first, "topobench/internal/testbed/cmd").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	for _, name := range programNames()[1:] {
		if err := link(first, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// link gives a program a second name. A copy does the same, where the other name is on another
// file system or belongs to another user.
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

// Install links the fakes into a directory of the PATH.
func Install(dir string) error {
	for _, name := range programNames() {
		if err := link(filepath.Join(os.Getenv(ProgramsKey), name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// Shepherd is the path of a plain binary with the shepherd command.
func Shepherd() string { return filepath.Join(os.Getenv(ProgramsKey), "shepherd") }

// Program is the path of the plain binary: Program() child HABIT [ARGUMENT...].
func Program() string { return filepath.Join(os.Getenv(ProgramsKey), "child") }

// Argv is the command line of a child with a habit.
func Argv(habit string, args ...string) []string {
	return append([]string{Program(), ChildCommand, habit}, args...)
}

// End is os.Exit for a test binary that acts as another program: without the second that
// the race detector waits for late reports.
func End(code int) { syscall.Exit(code) }
