package recovery

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"topobench/internal/artifacts"
)

// A run of another user is not opened: root would write its journal through any link
// that user has put there, and cut the file it leads to.
func TestS12RunOfAnotherUser(t *testing.T) {
	const nobody = 65534
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(marker{Run: "id", Host: host, Temp: "/tmp/tb-gone", Inode: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		why   string
		root  bool // only root can plant it
		plant func(path string) error
	}{
		{"its directory is another user's", true, func(path string) error { return os.Chown(path, nobody, nobody) }},
		{"its marker is another user's", true, func(path string) error {
			return os.Chown(filepath.Join(path, markerName), nobody, nobody)
		}},
		{"its directory is a link", false, func(path string) error {
			moved := path + ".moved"
			if err := os.Rename(path, moved); err != nil {
				return err
			}
			return os.Symlink(moved, path)
		}},
	} {
		t.Run(row.why, func(t *testing.T) {
			if row.root && os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			path := filepath.Join(t.TempDir(), artifacts.StateDir, "id")
			write(t, filepath.Join(path, markerName), string(data))
			if err := row.plant(path); err != nil {
				t.Fatal(err)
			}
			if d, err := Open(path); err == nil || !strings.Contains(err.Error(), "another user") {
				t.Errorf("opened %v, %v", d, err)
			}
		})
	}
}
