package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func platformChild(mode, arg string) error {
	switch mode {
	case "full disk":
		err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
		if err == nil {
			err = syscall.Mount("tmpfs", arg, "tmpfs", 0, "size=1m")
		}
		if err != nil {
			return fmt.Errorf("skip: this system mounts no tmpfs: %w", err)
		}
		return fullJournal(filepath.Join(arg, Name))
	case "short append":
		return afterShortAppend(arg)
	}
	return fmt.Errorf("no such part: %s", mode)
}

// child runs the test binary in another part and returns its report.
func child(t *testing.T, mode, arg string, sys *syscall.SysProcAttr) (string, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0], arg)
	cmd.Env, cmd.SysProcAttr, cmd.Stderr = append(os.Environ(), childMode+"="+mode), sys, os.Stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// A mount namespace of its own has a small disk that no other process sees.
func TestF71AFullDiskKeepsTheJournal(t *testing.T) {
	sys := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		ids := func(id int) []syscall.SysProcIDMap {
			return []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
		}
		sys.Cloneflags |= syscall.CLONE_NEWUSER
		sys.UidMappings, sys.GidMappings = ids(os.Geteuid()), ids(os.Getegid())
	}
	got, err := child(t, "full disk", t.TempDir(), sys)
	if strings.HasPrefix(got, "skip") {
		t.Skip(got)
	}
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Skipf("this system gives no mount namespace: %v", err)
	}
	if got != "ok" || err != nil {
		t.Error(got, err)
	}
}

// A file size limit makes the kernel write a line in part, on any file system.
func TestShortAppendIsCutBack(t *testing.T) {
	if got, err := child(t, "short append", journalPath(t), nil); got != "ok" || err != nil {
		t.Error(got, err)
	}
}

// fullJournal fills the disk with a journal, then makes room and continues.
func fullJournal(path string) error {
	filler := filepath.Join(filepath.Dir(path), "f")
	if err := os.WriteFile(filler, make([]byte, 1<<18), 0o600); err != nil {
		return err
	}
	j, err := Open(path, nil)
	if err != nil {
		return err
	}
	written := 0
	for ; err == nil; written++ {
		err = j.Write(context.Background(), LogNotCut{Error: strings.Repeat("x", 5000)})
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("on a full disk Write returns: %w", err)
	}
	if err := os.Remove(filler); err != nil {
		return err
	}
	return resume(j, path, written-1)
}

// resume appends one durable event behind so many good ones and reads them all.
func resume(j *Journal, path string, good int) error {
	if err := errors.Join(j.Write(context.Background(), TeardownDirty{Topology: "last"}), j.Close()); err != nil {
		return err
	}
	records, err := Read(path)
	if err != nil || len(records) != good+1 || records[good].Event != (TeardownDirty{Topology: "last"}) {
		return fmt.Errorf("%d records, want %d (%w)", len(records), good+1, err)
	}
	return nil
}

func afterShortAppend(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	j, err := Open(path, nil)
	if err != nil {
		return err
	}
	if err := j.Write(context.Background(), Smoke{Topology: "first"}); err != nil {
		return err
	}
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	small := syscall.Rlimit{Cur: uint64(len(before)) + 10, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		return err
	}
	if err := j.Write(context.Background(), Smoke{Topology: "second"}); !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("Write beyond the limit returns: %w", err)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		return fmt.Errorf("the journal is %q, was %q (%w)", after, before, err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	return resume(j, path, 1)
}
