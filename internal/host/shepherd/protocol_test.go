package shepherd

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseReadsArgs(t *testing.T) {
	want := Policy{Signal: syscall.SIGINT, Grace: 1500 * time.Millisecond, Nice: -5}
	argv := []string{"/bin/echo", "--signal=9", "--", "two words", ""}
	got, rest, err := parse(want.Args(argv)[1:])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("policy (-got +want):\n%s", diff)
	}
	if diff := cmp.Diff(rest, argv); diff != "" {
		t.Errorf("argv (-got +want):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, row := range []struct {
		why  string
		args []string
		want string
	}{
		{"nothing to start", []string{"--grace=1s", "--"}, "no command after --"},
		{"no arguments at all", nil, "no command after --"},
		{"a grace without a unit", []string{"--grace=1", "--", "true"}, "grace"},
		{"a flag of a later version", []string{"--colour=red", "--", "true"}, "colour"},
	} {
		if _, _, err := parse(row.args); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q in it", row.why, err, row.want)
		}
	}
}

func TestIs(t *testing.T) {
	args := Policy{Signal: syscall.SIGTERM}.Args([]string{"/bin/true"})
	for _, row := range []struct {
		why     string
		cmdline []string
		want    bool
	}{
		{"ours", append([]string{"topobench"}, args...), true},
		{"ours on another host", append([]string{"ssh", "node1", "topobench"}, args...), true},
		{"a program that has the word as an argument", []string{"python", "shepherd", "x.py"}, false},
		{"a program of that name", []string{"shepherd", "--signal=15"}, false},
		{"a zombie has no arguments", nil, false},
	} {
		if got := Is(row.cmdline); got != row.want {
			t.Errorf("%s: got %v", row.why, got)
		}
	}
}

func FuzzInterruption(f *testing.F) {
	for _, order := range []string{"interrupt 2", "interrupt", "interrupt -9", "interrupt 0", "stop", "interrupt  2"} {
		f.Add(order)
	}
	f.Fuzz(func(t *testing.T, order string) {
		sig, ok := interruption(order)
		if ok && (sig <= 0 || !strings.HasPrefix(order, OrderInterrupt+" ")) {
			t.Errorf("%q became signal %d", order, sig)
		}
	})
}

func TestInterruption(t *testing.T) {
	if sig, ok := interruption("interrupt 2"); !ok || sig != syscall.SIGINT {
		t.Errorf("got %v, %v", sig, ok)
	}
}
