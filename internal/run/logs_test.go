package run

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"topobench/internal/host"
)

// A log is copied whole up to its cap; of a longer one the begin and the end.
func TestALogIsCopiedUpToItsCap(t *testing.T) {
	const half = 9 << 20 // more than two pieces
	for _, row := range []struct {
		size int64
		cut  bool
	}{{0, false}, {100, false}, {4 << 20, false}, {4<<20 + 1, false}, {2 * half, false}, {2*half + 1, true}, {3 * half, true}} {
		from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
		if err := os.WriteFile(from, []byte("begin"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(from, row.size); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(from, os.O_WRONLY, 0)
		if err == nil && row.size >= 100 {
			_, err = f.WriteAt([]byte("end"), row.size-3)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		cut, err := fetchLog(t.Context(), host.Local{}, from, to, half)
		if err != nil || cut != row.cut {
			t.Errorf("%d bytes: cut %t, %v", row.size, cut, err)
		}
		whole, copied := contents(t, from), contents(t, to)
		switch {
		case !row.cut && !bytes.Equal(whole, copied):
			t.Errorf("%d bytes: the copy of %d bytes differs", row.size, len(copied))
		case row.cut && (!bytes.HasPrefix(copied, whole[:half]) || !bytes.HasSuffix(copied, whole[row.size-half:]) ||
			!bytes.Contains(copied, []byte("left out"))):
			t.Errorf("%d bytes: the copy has another begin or end", row.size)
		}
	}
	if _, err := fetchLog(t.Context(), host.Local{}, filepath.Join(t.TempDir(), "none"), "x", half); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no log: %v", err)
	}
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
