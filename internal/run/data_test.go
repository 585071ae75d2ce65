package run

import (
	"testing"

	"topobench/internal/host"
)

func TestDataOfALaunchIsNeverOnAnotherMachine(t *testing.T) {
	if got := dataDir(host.Space{}, "/tmp/tb-1", "a"); got != "" {
		t.Errorf("a local disk: %q", got)
	}
	first, again := dataDir(host.Space{Remote: "NFS"}, "/tmp/tb-1", "a"), dataDir(host.Space{Remote: "NFS"}, "/tmp/tb-1", "a-1-2")
	if first != "/tmp/tb-1/a" || again == first {
		t.Errorf("NFS: %q, then %q: a restart must not find the data of the first launch", first, again)
	}
}
