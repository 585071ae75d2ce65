package artifacts

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// runUntilKilled is a run whose owner does not close it. It ends by itself
// after a minute, in case nobody kills it.
func runUntilKilled(root string) error {
	d, err := Create(root, root, "id")
	if err != nil {
		return err
	}
	fmt.Println(d.TempDir())
	<-time.After(time.Minute)
	return d.Close()
}

func TestListIsInOrderAndSkipsWhatIsNoRun(t *testing.T) {
	root := t.TempDir()
	if runs, err := List(root); err != nil || len(runs) != 0 {
		t.Errorf("a root without runs lists %v (%v)", runs, err)
	}
	write(t, filepath.Join(root, StateDir, "stranger", "file"), "")
	var want []string
	for _, id := range []string{"20261124-094805-3f2a", "20261125-000000-0000"} {
		d, err := Create(root, root, id)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		want = append(want, d.Path())
	}
	runs, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, runs); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestOpenRefusesALiveRun(t *testing.T) {
	d := create(t)
	_, err := Open(d.Path())
	live, ok := errors.AsType[*LiveError](err)
	if !ok || live.Path != d.Path() {
		t.Errorf("got %v", err)
	}
}

func TestOpenOfAClosedRunHasNothingToRemove(t *testing.T) {
	d := create(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(d.Path())
	if err != nil || again.ID() != d.ID() || again.Root() != d.Root() {
		t.Fatalf("got %+v (%v)", again, err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestKilledRunIsTakenOverOnce(t *testing.T) {
	root := t.TempDir()
	c, err := start(t, "run", root, nil)
	if err != nil {
		t.Fatal(err)
	}
	temp := c.line()
	path := filepath.Join(root, StateDir, "id")
	if _, err := Open(path); err == nil {
		t.Error("a run whose owner lives in another process is taken over")
	}
	c.kill(t)
	if !exists(temp) {
		t.Fatalf("%q is not there after the kill", temp)
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Error("the run is taken over twice")
	}
	if err := d.Close(); err != nil || exists(temp) {
		t.Errorf("the temporary directory is there: %t (%v)", exists(temp), err)
	}
}
