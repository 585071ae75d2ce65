package kube

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A kubelet that has removed the log of the container before the last says so with exit code 0. The last lines of a
// crash are those of the container that took its place.
func TestLastLinesOfAContainerWhoseLogIsLost(t *testing.T) {
	const lost = `echo 'unable to retrieve container logs for containerd://0123'`
	rows := []struct {
		name, previous, present string
		kind                    CauseKind
		want                    []string
	}{
		{"it crashed again", lost, "echo unrecognized argument", CrashLoop, []string{"unrecognized argument"}},
		{"its successor is named later", "if [ -e again ]; then echo unrecognized argument; else touch again; " + lost + "; fi", "", CrashLoop,
			[]string{"unrecognized argument"}},
		{"one of two containers", lost + "; echo of the other", "", CrashLoop, []string{"of the other"}},
		{"no restart", "exit 1", "echo low on memory", Evicted, []string{"low on memory"}},
		{"deleted", "echo of another pod", "echo stopping", Moved, []string{"stopping"}},
		{"no log", "exit 1", "exit 1", ImagePull, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			kubectl := filepath.Join(dir, "kubectl")
			script := "#!/bin/sh\ncd " + dir + "\ncase \"$*\" in\n*--previous*) " + row.previous + ";;\n*) " + row.present + "\n;;\nesac\n"
			if err := os.WriteFile(kubectl, []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			s := &Stack{cluster: &Cluster{Kubectl: Kubectl{Program: kubectl}, Environ: os.Environ()}, ctx: t.Context()}
			if got := s.ended(Cause{Kind: row.kind, Name: "p"}); !slices.Equal(got, row.want) {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}
