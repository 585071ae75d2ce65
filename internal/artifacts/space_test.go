package artifacts

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestF71SpaceOfAPathThatIsNotThereYet(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "a", "b", "c")} {
		space, err := SpaceAt(path)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip("this system does not report it")
		}
		if err != nil || space.Bytes == 0 || space.Files == 0 {
			t.Errorf("%s: %+v, %v", path, space, err)
		}
	}
	write(t, filepath.Join(dir, "file"), "")
	_, err := SpaceAt(filepath.Join(dir, "file", "below"))
	wantError(t, err, "cannot see how much space", "is a file")
}

// The numbers are those of statfs(2) and of linux/magic.h.
func TestF75FileSystemsOfOtherMachines(t *testing.T) {
	for _, row := range []struct {
		why  string
		kind uint32
		want string
	}{
		{"a home directory", 0x6969, "NFS"},
		{"a cluster's scratch", 0x0bd00bd0, "Lustre"},
		{"another's", 0x47504653, "GPFS"},
		{"ext4 is local", 0xef53, ""},
		{"xfs is local", 0x58465342, ""},
		{"tmpfs is local", 0x01021994, ""},
		{"overlayfs is local", 0x794c7630, ""},
	} {
		if got := remote(row.kind); got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

// F-73: a removed run directory is noticed, and is not created again in part.
func TestF73ARemovedRunIsNotMadeAgain(t *testing.T) {
	for _, row := range []struct {
		why     string
		replace bool
	}{{"removed", false}, {"removed, and another is in its place", true}} {
		d, err := Create(t.TempDir(), "run-1")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Check(); err != nil {
			t.Errorf("%s: at first: %v", row.why, err)
		}
		moved := d.Path() + ".away" // its inode stays taken
		if err := os.Rename(d.Path(), moved); err != nil {
			t.Fatal(err)
		}
		if row.replace {
			if err := os.Mkdir(d.Path(), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		_, inTopology := d.Topology("agg")
		_, inAttempt := d.Attempt(cell("agg", 1), 1)
		for _, err := range []error{d.Check(), inTopology, inAttempt} {
			if _, gone := errors.AsType[*GoneError](err); !gone {
				t.Errorf("%s: got %v", row.why, err)
			}
		}
		if made, err := os.ReadDir(d.Path()); len(made) > 0 || err == nil != row.replace {
			t.Errorf("%s: created again: %v, %v", row.why, made, err)
		}
	}
}

func TestF74APathThatIsTooLong(t *testing.T) {
	root := filepath.Join(t.TempDir(), strings.Repeat("x", 300))
	_, err := Create(root, "run-1")
	wantError(t, err, "cannot create the artifacts root", "file name too long", "shorter artifacts root")
}
