package run

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/journal"
	"topobench/internal/ui"
)

// newRunner is a run, and what its screen shows once that is closed.
func newRunner(t testing.TB, o Options) (r *Runner, screen *bytes.Buffer) {
	t.Helper()
	screen = &bytes.Buffer{}
	o.Root, o.Temp, o.Force = cmp.Or(o.Root, t.TempDir()), t.TempDir(), t.Context()
	o.Screen = ui.New(ui.Detect(screen, func(string) string { return "" }))
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(r.Journal.Close(), r.Dir.Close()); err != nil {
			t.Error(err)
		}
	})
	return r, screen
}

// cause is why a guarded context ended.
func cause(t *testing.T, ctx context.Context) error {
	t.Helper()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(10 * time.Second):
		t.Fatal("the run goes on")
		return nil
	}
}

func TestF71TheLastSpaceIsForWhatWasMeasured(t *testing.T) {
	c, _ := newRunner(t, Options{Reserve: 1 << 62})
	if space, err := host.Disk(c.Dir.Path()); errors.Is(err, errors.ErrUnsupported) || space.Bytes == 0 {
		t.Skip("this system does not tell how much space there is")
	}
	ctx := c.WatchDisk(t.Context())
	defer c.disk.release()
	var storage *StorageError
	if err := cause(t, ctx); !errors.As(err, &storage) || !strings.Contains(err.Error(), "are left on the disk of "+c.Dir.Path()) || !interrupted(ctx) {
		t.Errorf("got %v", err)
	}
}

// F-73: noticed within a second.
func TestF73ARemovedRunDirectoryEndsTheRun(t *testing.T) {
	c, _ := newRunner(t, Options{})
	ctx := c.WatchDisk(t.Context())
	defer c.disk.release()
	if err := os.Rename(c.Dir.Path(), c.Dir.Path()+".away"); err != nil {
		t.Fatal(err)
	}
	removed := time.Now()
	err := cause(t, ctx)
	if _, gone := errors.AsType[*artifacts.GoneError](err); !gone {
		t.Errorf("got %v", err)
	}
	if took := time.Since(removed); took > 2*time.Second {
		t.Errorf("noticed after %s", took)
	}
}

// Any record may fail first. Only what the disk refuses ends the run.
func TestF71ARecordThatCannotBeWritten(t *testing.T) {
	full := &os.PathError{Op: "write", Path: "journal.ndjson", Err: syscall.ENOSPC}
	for _, row := range []struct {
		why  string
		err  error
		ends bool
	}{
		{"all is well", nil, false},
		{"no space", fmt.Errorf("cannot append: %w", full), true},
		{"a line that is no JSON", errors.New("cannot journal NaN"), false},
	} {
		c, screen := newRunner(t, Options{})
		ctx := c.WatchDisk(t.Context())
		for range 3 {
			c.disk.recorded(row.err)
		}
		if (ctx.Err() != nil) != row.ends {
			t.Errorf("%s: %v", row.why, context.Cause(ctx))
		}
		if row.ends && !errors.Is(cause(t, ctx), syscall.ENOSPC) {
			t.Errorf("%s: the cause is %v", row.why, context.Cause(ctx))
		}
		c.disk.release()
		c.Screen.Close()
		if n := strings.Count(screen.String(), "cannot"); row.err == nil && n > 0 || row.err != nil && n != 1 {
			t.Errorf("%s: said %d times:\n%s", row.why, n, screen)
		}
	}
}

func TestF70HolesAreInTheJournal(t *testing.T) {
	c, screen := newRunner(t, Options{})
	c.noteHole(host.Hole{Path: "decode-0.log", From: 65536, To: 1 << 20})
	c.noteHole(host.Hole{Path: "decode-0.log", Err: syscall.EOPNOTSUPP})
	closed := c.Journal.Close()
	records, err := journal.Read(filepath.Join(c.Dir.Path(), journal.Name))
	if err != nil || closed != nil || len(records) != 3 ||
		records[1].Event != (journal.LogCut{Log: "decode-0.log", From: 65536, To: 1 << 20}) ||
		records[2].Event != (journal.LogNotCut{Log: "decode-0.log", Error: syscall.EOPNOTSUPP.Error()}) {
		t.Errorf("%+v, %v, %v", records, err, closed)
	}
	c.Screen.Close()
	if said := screen.String(); strings.Count(said, "--log-cap") != 1 || !strings.Contains(said, "operation not supported") {
		t.Errorf("said %q", said)
	}
}
