package cli

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"topobench/internal/deploy"
)

func TestSizes(t *testing.T) {
	for _, row := range []struct {
		text, want string // want "": refused
	}{
		{"0", "0 bytes"}, {"512B", "512 bytes"}, {"64KiB", "64 KiB"}, {"256MiB", "256 MiB"}, {"3GiB", "3 GiB"}, {"2TiB", "2 TiB"}, {"1536MiB", "1.5 GiB"},
		{"", ""}, {"5", ""}, {"MiB", ""}, {"-1MiB", ""}, {"1.5GiB", ""}, {"256MB", ""}, {"256 MiB", ""}, {"9999999999TiB", ""}, {"99999999999999999999B", ""},
	} {
		var s size
		err := s.UnmarshalText([]byte(row.text))
		if (err == nil) != (row.want != "") || err == nil && s.String() != row.want {
			t.Errorf("%q: %v, %v, want %q", row.text, s, err, row.want)
		}
	}
}

func TestF75AnArtifactsRootOnAnotherMachine(t *testing.T) {
	if said := farAway("/home/u/results", "NFS"); !strings.Contains(said, "/home/u/results is on NFS") || !strings.Contains(said, "--artifacts-root-dir") {
		t.Errorf("got %q", said)
	}
	if said := farAway("/data", ""); said != "" {
		t.Errorf("a local one: %q", said)
	}
}

// What an error already advises is not said twice, and of a fault that is not the
// disk's nothing is said.
func TestF72AdviceStandsOnce(t *testing.T) {
	bare := errors.Join(errors.New("cannot write a file of agg"), syscall.EDQUOT)
	for _, row := range []struct {
		why  string
		err  error
		want string
	}{
		{"an error without advice", bare, "; your disk quota is used up: free some of it or use another artifacts root"},
		{"one that has it", errors.Join(bare, errors.New("x; your disk quota is used up: free some of it or use another artifacts root")), ""},
		{"a program that may not be executed", syscall.EACCES, ""},
		{"a dirty topology", &deploy.DirtyError{}, ""},
	} {
		if got := diskAdvice(row.err); got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}
