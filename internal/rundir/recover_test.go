package rundir

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// abandon is a run in root whose owner died after it had journalled the events;
// what it returns is the run's temporary directory.
func abandon(t *testing.T, root, id string, events ...string) string {
	t.Helper()
	d, err := Create(root, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(d.TempDir()) })
	j, err := d.Journal()
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events {
		if err := j.Append(event, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.temp.lock.Close(); err != nil { // as the kernel does
		t.Fatal(err)
	}
	return d.TempDir()
}

func journalled(t *testing.T, root, id string) (events []string) {
	t.Helper()
	entries, err := ReadJournal(filepath.Join(root, StateDir, id, JournalName))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		events = append(events, e.Event)
	}
	return events
}

func TestRecoverFinishesKilledRunsAndNoOthers(t *testing.T) {
	root := t.TempDir()
	temps := []string{abandon(t, root, "a", "start"), abandon(t, root, "b", "start", EventEnd)}
	live, err := Create(root, "c")
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	abroad := abandon(t, root, "d", "start")
	marker := fmt.Sprintf(`{"run":"d","host":"elsewhere","temp":%q}`, abroad)
	write(t, filepath.Join(root, StateDir, "d", markerName), marker)

	crashed, err := Recover(root)
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, crashed); diff != "" {
		t.Errorf("finished (-want +got):\n%s", diff)
	}
	if exists(temps[0]) || exists(temps[1]) || !exists(live.TempDir()) || !exists(abroad) {
		t.Errorf("there are: killed %t %t, live %t, of another machine %t", exists(temps[0]), exists(temps[1]), exists(live.TempDir()), exists(abroad))
	}
	for id, want := range map[string][]string{"a": {"start", EventCrashed}, "b": {"start", EventEnd}, "d": {"start"}} {
		if diff := cmp.Diff(want, journalled(t, root, id)); diff != "" {
			t.Errorf("journal of %s (-want +got):\n%s", id, diff)
		}
	}
	if crashed, err := Recover(root); err != nil || len(crashed) > 0 {
		t.Errorf("a second time: %v, %v", crashed, err)
	}
}

func TestRecoverRemovesBesideADamagedJournal(t *testing.T) {
	root := t.TempDir()
	temp := abandon(t, root, "a")
	write(t, filepath.Join(root, StateDir, "a", JournalName), "no journal\n")
	crashed, err := Recover(root)
	wantError(t, err, "run a had crashed", "is damaged")
	if len(crashed) != 1 || exists(temp) {
		t.Errorf("finished %v, its directory is there: %t", crashed, exists(temp))
	}
}

// Each start pays for it. A machine that is busy has three tries.
func TestRecoverPassesFinishedRunsQuickly(t *testing.T) {
	root := t.TempDir()
	for i := range 200 {
		d, err := Create(root, fmt.Sprintf("run-%03d", i))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var took [3]time.Duration
	for i := range took {
		began := time.Now()
		if crashed, err := Recover(root); err != nil || len(crashed) > 0 {
			t.Fatalf("%v, %v", crashed, err)
		}
		if took[i] = time.Since(began); took[i] < 50*time.Millisecond {
			t.Logf("200 finished runs: %v", took[i])
			return
		}
	}
	t.Errorf("200 finished runs took %v, want 50ms", took)
}
