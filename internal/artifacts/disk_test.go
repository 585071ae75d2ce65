package artifacts

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestWriteFileReplacesWithMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, text := range []string{"a long first version", "short"} {
		if err := WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil || string(data) != text {
			t.Errorf("got %q, want %q (%v)", data, text, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, want 640 (%v)", info.Mode(), err)
	}
	wantNames(t, filepath.Dir(path), "f")
}

func TestWriteFileThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "taken", "x"), "")
	wantError(t, WriteFile(filepath.Join(dir, "taken"), nil, 0o600), "cannot write", "taken")
	wantNames(t, dir, "taken")
	wantError(t, WriteFile(filepath.Join(dir, "missing", "f"), nil, 0o600), "cannot write", "missing", "no such file")
}

func TestF72ErrorsOfTheFileSystemNameTheRemedy(t *testing.T) {
	for _, row := range []struct {
		errno syscall.Errno
		want  string
		disk  bool // the next write would fail too
	}{
		{syscall.ENOSPC, "free some space", true},
		{syscall.EDQUOT, "quota", true},
		{syscall.EROFS, "read-only", true},
		{syscall.EIO, "does not work", true},
		{syscall.ENAMETOOLONG, "too long", false},
		{syscall.EACCES, "permission", false},
		{syscall.EPERM, "not allow", false},
		{syscall.ENOTDIR, "is a file", false},
	} {
		err := Cannot("write", "/x/y", &os.PathError{Op: "open", Path: "/x/.tmp-1", Err: row.errno})
		wantError(t, err, "cannot write /x/y: "+row.errno.Error()+"; ", row.want)
		if DiskFault(errors.Join(errors.New("another"), err)) != row.disk {
			t.Errorf("%v: fault of the disk: want %t", row.errno, row.disk)
		}
	}
}

// rewrite replaces one document by the next until the test kills it. It ends by itself if the
// test fails to do so.
func rewrite(path string) error {
	for version := range 10_000 {
		if err := WriteFile(path, document(version), 0o600); err != nil {
			return err
		}
		if version == 0 {
			fmt.Println("written")
		}
	}
	return nil
}

// document is 200 kB of one letter.
func document(version int) []byte {
	return bytes.Repeat([]byte{byte('a' + version%26)}, 200_000)
}

func TestKilledWriterLeavesAWholeFile(t *testing.T) {
	kills := 100
	if testing.Short() {
		kills = 10
	}
	path := filepath.Join(t.TempDir(), "f")
	for i := range kills {
		c, err := start(t, "rewrite", path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.line(); got != "written" {
			t.Fatalf("the writer printed %q", got)
		}
		<-time.After(time.Duration(rand.IntN(5000)) * time.Microsecond)
		c.kill(t)
		data, err := os.ReadFile(path)
		if err != nil || len(data) != 200_000 || bytes.Count(data, data[:1]) != len(data) {
			t.Fatalf("after kill %d the file has %d bytes and is damaged (%v)", i, len(data), err)
		}
	}
}
