package artifacts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"topobench/internal/host"
)

func platformChild(mode, arg string) error {
	switch mode {
	case "full disk":
		return onDisk(arg, "size=1m", func() error { return fullFile(filepath.Join(arg, "f")) })
	case "fuse":
		return onFUSE(arg)
	case "no inodes":
		return onDisk(arg, "size=4m,nr_inodes=8", func() error { return fullOfFiles(arg) })
	}
	return fmt.Errorf("no such role: %s", mode)
}

func TestF71AFullDiskKeepsTheOldFile(t *testing.T) { inNamespace(t, "full disk") }

func TestF74NoInodesAreLeft(t *testing.T) { inNamespace(t, "no inodes") }

// inNamespace runs the test binary in a role, in a mount namespace of its own.
func inNamespace(t *testing.T, mode string) {
	ids := func(id int) []syscall.SysProcIDMap {
		return []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
	}
	sys := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		sys.Cloneflags |= syscall.CLONE_NEWUSER
		sys.UidMappings, sys.GidMappings = ids(os.Geteuid()), ids(os.Getegid())
	}
	c, err := start(t, mode, t.TempDir(), sys)
	if err != nil {
		t.Skipf("cannot create a mount namespace on this system: %v", err)
	}
	got := c.line()
	if _, err := c.process.Wait(); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(got, "skip") {
		t.Skip(got)
	}
	if got != "ok" {
		t.Error(got)
	}
}

// onDisk calls do with a small tmpfs at dir, which only this process sees.
func onDisk(dir, options string, do func() error) error {
	err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if err == nil {
		err = syscall.Mount("tmpfs", dir, "tmpfs", 0, options)
	}
	if err != nil {
		return fmt.Errorf("skip: cannot mount a tmpfs on this system: %w", err)
	}
	return do()
}

// fullOfFiles creates files until no inode is left. There is enough space.
func fullOfFiles(dir string) error {
	var err error
	made := 0
	for ; err == nil && made < 100; made++ {
		err = WriteFile(filepath.Join(dir, fmt.Sprint(made)), []byte("x"), 0o600)
	}
	if !errors.Is(err, syscall.ENOSPC) || !DiskFault(err) || !strings.Contains(err.Error(), "df -i") {
		return fmt.Errorf("after %d files: %w", made, err)
	}
	if space, err := host.Disk(dir); err != nil || space.Files > 0 || space.Bytes == 0 {
		return fmt.Errorf("space is %+v (%w)", space, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != made-1 {
		return fmt.Errorf("%d files are left of %d (%w)", len(left), made-1, err)
	}
	return nil
}

func fullFile(path string) error {
	if err := WriteFile(path, []byte("old"), 0o600); err != nil {
		return err
	}
	err := WriteFile(path, make([]byte, 2<<20), 0o600)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free some space") {
		return fmt.Errorf("2 MiB on a disk of 1 MiB: %w", err)
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != "old" {
		return fmt.Errorf("the old file is %d bytes (%w)", len(data), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		return fmt.Errorf("%d files are left (%w)", len(left), err)
	}
	return nil
}
