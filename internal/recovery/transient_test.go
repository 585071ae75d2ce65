package recovery

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A transient run leaves no directory when it ends, nor after clean, which may keep its files for the next owner.
func TestATransientRunLeavesNoDirectory(t *testing.T) {
	for _, row := range []struct {
		how  string
		end  func(b bed, r *Run) error
		kept bool
	}{
		{"it ends", func(_ bed, r *Run) error { return r.Close() }, false},
		{"it is cleaned", func(b bed, r *Run) error { return errors.Join(r.unlock(), b.clean(b.cleaner()).Err) }, false},
		{"it is cleaned for the next owner", func(b bed, r *Run) error {
			c := b.cleaner()
			c.Keep = true
			return errors.Join(r.unlock(), b.clean(c).Err)
		}, true},
	} {
		t.Run(row.how, func(t *testing.T) {
			b := newBed(t)
			root := filepath.Join(b.dir, "root")
			r, err := CreateTransient(root, b.dir, runID(b.dir))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(r.Path(), "a.log"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := row.end(b, r); err != nil {
				t.Fatal(err)
			}
			_, err = os.Lstat(filepath.Join(r.Path(), "a.log"))
			_, rootErr := os.Lstat(root)
			if (err == nil) != row.kept || errors.Is(rootErr, fs.ErrNotExist) == row.kept {
				t.Errorf("its log: %v; its root: %v", err, rootErr)
			}
		})
	}
}
