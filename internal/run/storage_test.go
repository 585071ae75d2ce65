package run

import (
	"bytes"
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
	"topobench/internal/recovery"
	"topobench/internal/ui"
)

// guarded is a campaign with a run's directory, and what its screen shows once the
// run is closed.
func guarded(t testing.TB) (c *Campaign, screen *bytes.Buffer) {
	t.Helper()
	dir, err := recovery.Create(t.TempDir(), t.TempDir(), "run-1")
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(filepath.Join(dir.Path(), journal.Name), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(j.Close(), dir.Close()); err != nil {
			t.Error(err)
		}
	})
	screen = &bytes.Buffer{}
	return &Campaign{Run: dir, Journal: j, Screen: ui.New(ui.Detect(screen, func(string) string { return "" }))}, screen
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
	c, _ := guarded(t)
	if space, err := host.Disk(c.Run.Path()); errors.Is(err, errors.ErrUnsupported) || space.Bytes == 0 {
		t.Skip("this system does not tell how much space there is")
	}
	ctx, stop := c.Guard(t.Context(), 1<<62)
	defer stop()
	var storage *StorageError
	if err := cause(t, ctx); !errors.As(err, &storage) || !strings.Contains(err.Error(), "are left on the disk of "+c.Run.Path()) || !interrupted(ctx) {
		t.Errorf("got %v", err)
	}
}

// F-73: noticed within a second.
func TestF73ARemovedRunDirectoryEndsTheRun(t *testing.T) {
	c, _ := guarded(t)
	ctx, stop := c.Guard(t.Context(), 0)
	defer stop()
	if err := os.Rename(c.Run.Path(), c.Run.Path()+".away"); err != nil {
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
		c, screen := guarded(t)
		ctx, stop := c.Guard(t.Context(), 0)
		for range 3 {
			c.Recorded(row.err)
		}
		if (ctx.Err() != nil) != row.ends {
			t.Errorf("%s: %v", row.why, context.Cause(ctx))
		}
		if row.ends && !errors.Is(cause(t, ctx), syscall.ENOSPC) {
			t.Errorf("%s: the cause is %v", row.why, context.Cause(ctx))
		}
		stop()
		c.Screen.Close()
		if n := strings.Count(screen.String(), "cannot"); row.err == nil && n > 0 || row.err != nil && n != 1 {
			t.Errorf("%s: said %d times:\n%s", row.why, n, screen)
		}
	}
}

func TestF70HolesAreInTheJournal(t *testing.T) {
	c, screen := guarded(t)
	c.cut(host.Hole{Path: "decode-0.log", From: 65536, To: 1 << 20})
	c.cut(host.Hole{Path: "decode-0.log", Err: syscall.EOPNOTSUPP})
	closed := c.Journal.Close()
	records, err := journal.Read(filepath.Join(c.Run.Path(), journal.Name))
	if err != nil || closed != nil || len(records) != 2 ||
		records[0].Event != (journal.LogCut{Log: "decode-0.log", From: 65536, To: 1 << 20}) ||
		records[1].Event != (journal.LogNotCut{Log: "decode-0.log", Error: syscall.EOPNOTSUPP.Error()}) {
		t.Errorf("%+v, %v, %v", records, err, closed)
	}
	c.Screen.Close()
	if said := screen.String(); strings.Count(said, "--log-cap") != 1 || !strings.Contains(said, "operation not supported") {
		t.Errorf("said %q", said)
	}
}
