package scripts_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The binary must run in every container, so it may need no library and no other file.
func TestTheProgramRunsInAnEmptyRoot(t *testing.T) {
	root := t.TempDir()
	if out, err := exec.Command("make", "-C", "../..", "build", "BIN="+root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	binary, err := elf.Open(filepath.Join(root, "topobench"))
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	for _, p := range binary.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary is dynamic: it has an interpreter")
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("chroot needs root: run the tests as root")
	}
	for args, want := range map[string]string{
		"--version":                 "topobench ",
		"profiles":                  "demo-agg",
		"plan demo-agg":             "dynamo.frontend",
		"plan disagg-1node --guide": "decode-tp",
	} {
		cmd := exec.Command("/topobench", strings.Fields(args)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
		cmd.Env, cmd.Dir = []string{"TOPOBENCH_CACHE=/cache"}, "/"
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("topobench %s: %v, want %q in\n%s", args, err, want, out)
		}
	}
}
