package recovery

import (
	"os"
	"path/filepath"
	"testing"
)

// After /tmp was emptied no temporary directory points to the run, but its processes do.
func TestF57CleanWhenTheTemporaryDirectoryIsGone(t *testing.T) {
	b := newBed(t)
	o := b.orchestrate("sleep", "stubborn")
	o.killAll()
	temps, err := filepath.Glob(filepath.Join(b.dir, "tb-*"))
	if err != nil || len(temps) != 1 || len(b.Living()) != 2 {
		t.Fatalf("%v, %v, and there is %v", temps, err, b.Living())
	}
	if err := os.RemoveAll(temps[0]); err != nil {
		t.Fatal(err)
	}
	f := b.clean(b.cleaner())
	if living := b.Living(); len(living) > 0 || f.Err != nil || f.Killed != 2 {
		t.Errorf("it ended %d and left %v (%v)", f.Killed, living, f.Err)
	}
	if all, err := b.cleaner().Clean(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("a second time: %+v, %v", all, err)
	}
}
