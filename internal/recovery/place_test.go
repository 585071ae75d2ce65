package recovery

import (
	"slices"
	"testing"
)

func TestChooseTempTakesTheFirstThatFits(t *testing.T) {
	faults := map[string]string{"/nfs": "is on NFS", "/noexec": "is mounted noexec"}
	for _, row := range []struct {
		why    string
		places []Place
		want   string
		passed []string
	}{
		{"its own variable", []Place{{"TOPOBENCH_TMP", "/a"}, {"TMPDIR", "/b"}, {"", "/tmp"}}, "/a", nil},
		{"TMPDIR", []Place{{"TOPOBENCH_TMP", ""}, {"TMPDIR", "/b"}, {"", "/tmp"}}, "/b", nil},
		{"neither is set", []Place{{"TOPOBENCH_TMP", ""}, {"TMPDIR", ""}, {"", "/tmp"}}, "/tmp", nil},
		{"one after another", []Place{{"TOPOBENCH_TMP", "/nfs"}, {"TMPDIR", "/noexec"}, {"", "/tmp"}}, "/tmp",
			[]string{"TOPOBENCH_TMP /nfs is on NFS", "TMPDIR /noexec is mounted noexec"}},
		{"none fits", []Place{{"TMPDIR", "/nfs"}, {"", "/noexec"}}, "/nfs", []string{"TMPDIR /nfs is on NFS", "/noexec is mounted noexec"}},
	} {
		got, passed := ChooseTemp(row.places, func(dir string) string { return faults[dir] })
		if got != row.want || !slices.Equal(passed, row.passed) {
			t.Errorf("%s: %s, passed over %q; want %s, %q", row.why, got, passed, row.want, row.passed)
		}
	}
}
