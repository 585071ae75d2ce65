package preflight

import (
	"strings"
	"testing"

	"topobench/internal/artifacts"
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

func TestTheNeedGrowsWithTheLoad(t *testing.T) {
	var small, big profile.Profile
	small.Load.ISL, small.Load.Concurrency = 100, []int{1}
	big.Load.ISL, big.Load.Concurrency = 100, []int{1, 64}
	s, b := needOf([]profile.Profile{small}, 5), needOf([]profile.Profile{big}, 5)
	if s.logs != 5 || s.cells >= b.cells || s.files >= b.files {
		t.Errorf("%+v and %+v", s, b)
	}
}

func TestTooLittleSpaceIsAFailure(t *testing.T) {
	n := need{cells: 600 << 20, logs: 400 << 20, files: 50}
	for _, row := range []struct {
		why   string
		has   artifacts.Space
		state State
		want  string
	}{
		{"enough", artifacts.Space{Bytes: 2 << 30, Files: 100}, OK, "/x has 2 GiB free, and this run needs 1000 MiB"},
		{"too few bytes", artifacts.Space{Bytes: 1 << 20, Files: 100}, Failure, "/x has 1 MiB free, and this run needs 1000 MiB: 600 MiB for the files of its cells, 400 MiB for logs"},
		{"too few inodes", artifacts.Space{Bytes: 2 << 30, Files: 49}, Failure, "/x can take 49 more files (df -i), and this run creates up to 50"},
		{"a system without inodes", artifacts.Space{Bytes: 2 << 30, Files: artifacts.NoLimit}, OK, "2 GiB free"},
	} {
		c := n.check("/x", row.has, "--elsewhere")
		if c.State != row.state || !strings.Contains(c.Found, row.want) {
			t.Errorf("%s: %+v", row.why, c)
		}
		if failed := c.State == Failure; failed != (c.Code == usageCode) || failed != strings.Contains(c.Remedy, "--elsewhere") {
			t.Errorf("%s: %+v", row.why, c)
		}
	}
}
