package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/recovery"
	"topobench/internal/run"
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

// The remedy is not printed twice, and only for a fault of the disk.
func TestF72AdviceIsPrintedOnce(t *testing.T) {
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

// A program without execute permission ends a run too, but is no fault of the disk.
func TestAForbiddenProgramIsNoFaultOfTheDisk(t *testing.T) {
	s := &session{Runner: &run.Runner{Dir: &recovery.Run{Dir: &artifacts.Dir{}}}}
	program := &host.StartError{Name: "aiperf", Err: &os.PathError{Op: "exec", Path: "/bin/aiperf", Err: syscall.EACCES}}
	const epilogue = "the run was ended"
	for _, row := range []struct {
		why  string
		err  error
		want bool
	}{
		{"a program", program, false},
		{"a program, beside other faults", fmt.Errorf("agg: %w", errors.Join(errors.New("x"), program)), false},
		{"a file of the run", fmt.Errorf("cannot write /x: %w", syscall.EACCES), true},
		{"a service's log", &host.StartError{Name: "aiperf", Err: &os.PathError{Op: "open", Path: "/x.log", Err: syscall.EACCES}}, true},
		{"both", errors.Join(program, fmt.Errorf("cannot write /x: %w", syscall.EPERM)), true},
		{"a full disk", syscall.ENOSPC, true},
	} {
		if got := s.explainDiskFault(row.err).Error(); strings.Contains(got, epilogue) != row.want {
			t.Errorf("%s: %q", row.why, got)
		}
	}
}
