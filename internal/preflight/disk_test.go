package preflight

import (
	"strings"
	"testing"

	"topobench/internal/host"
	"topobench/internal/profile"
)

func TestF75AnArtifactsRootOnAnotherMachine(t *testing.T) {
	c := remoteDisk("/home/u/results", "NFS")
	if c.State != Warning || !strings.Contains(c.Found, "/home/u/results is on NFS") || !strings.Contains(c.Remedy, "--artifacts-root-dir") {
		t.Errorf("got %+v", c)
	}
	local := Request{Root: t.TempDir(), Temp: t.TempDir()}.disk()
	if len(local) > 0 {
		t.Errorf("a local one: %+v", local)
	}
}

func TestF71TheSpaceThatARunNeeds(t *testing.T) {
	var p profile.Profile
	p.Load.ISL, p.Load.Concurrency = 3000, []int{1, 256}
	p.Decode = make([]profile.Worker, 2)
	n := needOf([]profile.Profile{p, p}, 1, 1<<30)
	// 12 requests for each of the concurrency, each with its prompt; see the constants.
	if want := uint64(2 * (2*(256<<10) + 12*257*(4<<10+8*3000))); n.cells != want || n.logs != 1<<30 || n.files != 100+2*(2*40+6*40) {
		t.Errorf("got %+v, want %d bytes for the cells", n, want)
	}
	if four := needOf([]profile.Profile{p, p}, 4, 1<<30); four.cells != 4*n.cells || four.logs != n.logs || four.files < 2*n.files {
		t.Errorf("four launches need %+v, one %+v", four, n)
	}
	for _, row := range []struct {
		why   string
		has   host.Space
		state State
		found []string
	}{
		{"enough", host.Space{Bytes: 2 << 30, Files: 1000}, OK, []string{"/results has 2 GiB free", "needs 1.162 GiB"}},
		{"a system without inodes", host.Space{Bytes: 2 << 30, Files: host.NoLimit}, OK, nil},
		{"few bytes", host.Space{Bytes: 212 << 20, Files: 1000}, Failure, []string{"/results has 212 MiB free", "needs 1.162 GiB", "166.3 MiB for the files of its cells", "1 GiB for logs"}},
		{"few inodes", host.Space{Bytes: 2 << 30, Files: 17}, Failure, []string{"/results can take 17 more files (df -i)", "up to 740"}},
	} {
		c := n.check("/results", row.has, "--elsewhere")
		if c.State != row.state {
			t.Errorf("%s: %+v", row.why, c)
		}
		if failed := c.State == Failure; failed != (c.Code == usageCode) || failed != strings.Contains(c.Remedy, "--elsewhere") {
			t.Errorf("%s: %+v", row.why, c)
		}
		for _, part := range row.found {
			if !strings.Contains(c.Found, part) {
				t.Errorf("%s: %v lacks %q", row.why, c, part)
			}
		}
	}
}
