package recovery

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"topobench/internal/host/proc"
	"topobench/internal/journal"
)

// Whatever is in a ledger: a process that is older than the run, the one that cleans, and
// its ancestors do not belong to the run.
func TestS12PlantedLedgerKillsNothing(t *testing.T) {
	self, err := proc.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		why   string
		plant func(o *journal.RunBegin, older proc.Proc) journal.Child
	}{
		{"a process that is older than the run", func(o *journal.RunBegin, older proc.Proc) journal.Child {
			o.Ticks = older.Ticks + 1
			return journal.Child{PID: older.PID, Ticks: older.Ticks}
		}},
		{"the process that cleans, with a run that is older", func(o *journal.RunBegin, _ proc.Proc) journal.Child {
			o.Ticks = 1
			return journal.Child{PID: self.PID, Ticks: self.Ticks}
		}},
	} {
		t.Run(row.why, func(t *testing.T) {
			b := newBed(t)
			p, o := b.start("", nil, "/bin/sleep", "60"), b.deadOwner()
			planted := row.plant(&o, p)
			b.dead(o, planted, journal.Child{PID: 1})
			if planted.PID == self.PID { // its children descend from the planted process
				b.kill(p)
			}
			if f := b.clean(b.cleaner()); f.Err != nil || f.Killed > 0 {
				t.Errorf("found %+v", f)
			}
			if planted.PID != self.PID {
				b.running(p)
			}
		})
	}
}

// Clean does not trust a ledger of another user, or behind a link.
func TestS12LedgerOfAnotherUser(t *testing.T) {
	const nobody = 65534
	for _, row := range []struct {
		why   string
		root  bool // only root can plant it
		plant func(ledger string) error
	}{
		{"a link", false, func(ledger string) error {
			moved := ledger + ".moved"
			if err := os.Rename(ledger, moved); err != nil {
				return err
			}
			return os.Symlink(moved, ledger)
		}},
		{"of another uid", false, func(ledger string) error {
			text, err := os.ReadFile(ledger)
			if err != nil {
				return err
			}
			mine, other := fmt.Sprintf(`"uid":%d`, os.Geteuid()), fmt.Sprintf(`"uid":%d`, os.Geteuid()+1)
			planted := strings.Replace(string(text), mine, other, 1)
			unsummed := regexp.MustCompile(`,"crc":"[0-9a-f]{8}"}`).ReplaceAllString(planted, "}")
			return os.WriteFile(ledger, []byte(unsummed), 0o600)
		}},
		{"another user's", true, func(ledger string) error { return os.Chown(ledger, nobody, nobody) }},
	} {
		t.Run(row.why, func(t *testing.T) {
			if row.root && os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			b := newBed(t)
			p := b.start("", nil, "/bin/sleep", "60")
			run := b.dead(b.deadOwner(), journal.Child{PID: p.PID, Ticks: p.Ticks})
			if err := row.plant(filepath.Join(run.Path(), journal.Name)); err != nil {
				t.Fatal(err)
			}
			f := b.clean(b.cleaner())
			if f.Fate != Unknown || f.Killed > 0 || !exists(run.TempDir()) {
				t.Errorf("found %+v", f)
			}
			wantError(t, f.Err, "cannot trust")
			b.running(p)
		})
	}
}

// A planted temporary directory that points to a run with one of its own changes nothing
// for that run.
func TestS12PlantedPointer(t *testing.T) {
	b := newBed(t)
	live, err := Create(filepath.Join(b.dir, "root"), "", "live")
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	j, err := journal.Open(filepath.Join(live.Path(), journal.Name), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, err := NewLedger(live, j); err != nil {
		t.Fatal(err)
	}
	planted := filepath.Join(b.dir, "tb-planted")
	if err := os.Mkdir(planted, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(planted, ".run"), []byte(live.Path()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := b.clean(b.cleaner())
	if f.Fate != Running || f.Owner.PID != os.Getpid() || !exists(live.TempDir()) || !exists(planted) {
		t.Errorf("found %+v", f)
	}
	gone := strings.Replace(live.Path(), "live", "gone", 1)
	if err := os.WriteFile(filepath.Join(planted, ".run"), []byte(gone+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f := b.clean(b.cleaner()); f.Err != nil || f.Killed > 0 || exists(planted) || f.Fate != DirectoryGone {
		t.Errorf("found %+v", f)
	}
}
