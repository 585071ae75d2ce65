package proctree

import "testing"

func TestBelow(t *testing.T) {
	for _, row := range []struct {
		why, path, dir string
		want           bool
	}{
		{"a file of the directory", "/run/svc.log", "/run", true},
		{"one further down", "/run/logs/svc.log", "/run", true},
		{"the directory itself", "/run", "/run", false},
		{"a directory that only begins alike", "/runs/svc.log", "/run", false},
		{"no directory: not everything", "/run/svc.log", "", false},
	} {
		if got := below(row.path, row.dir); got != row.want {
			t.Errorf("%s: got %v", row.why, got)
		}
	}
}
