package cli

import (
	"runtime/debug"
	"testing"
)

func TestReleaseFromBuildInfo(t *testing.T) {
	stamped := func(v string) *debug.BuildInfo { return &debug.BuildInfo{Main: debug.Module{Version: v}} }
	for _, row := range []struct {
		why  string
		info *debug.BuildInfo
		want string
	}{
		{"a tag", stamped("v1.2.0"), "v1.2.0"},
		{"a commit with changes", stamped("v0.0.0-20261124171004-299e6ceccecc+dirty"), "v0.0.0-20261124171004-299e6ceccecc+dirty"},
		{"built outside of a checkout", stamped("(devel)"), "devel"},
		{"a test binary", stamped(""), "devel"},
		{"built without modules", nil, "devel"},
	} {
		if got := release(row.info); got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}
