package artifacts

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// F-73: what was removed is noticed, and is not made again in part.
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
