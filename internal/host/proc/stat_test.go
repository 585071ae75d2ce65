package proc

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// line is a /proc/PID/stat as Linux 6.18 writes it, for any name.
func line(comm string) string {
	return "4711 (" + comm + ") S 4710 4709 4700 34816 4711 4194304 1 0 0 0 0 0 0 0 20 0 7 0 123456789 2703360 368 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
}

func TestParseFindsTheFieldsBehindAnyName(t *testing.T) {
	for _, comm := range []string{"vllm", "a b", "a) R 1 (b", "two\nlines", "", "((", "))"} {
		got, err := parse([]byte(line(comm)))
		want := Proc{PID: 4711, PPID: 4710, Group: 4709, Ticks: 123456789, State: 'S', Comm: comm, Threads: 7}
		if diff := cmp.Diff(got, want); diff != "" || err != nil {
			t.Errorf("name %q: %v (-got +want):\n%s", comm, err, diff)
		}
	}
}

// used is the line of a process with CPU times: user 150, system 50, those of reaped children 300 and 20 ticks.
const used = "4711 (a b) c)) S 1 4711 4711 0 -1 4194304 1 2 3 4 150 50 300 20 20 0 9 0 12345 1 2 3\n"

func TestParseReadsTheCPUTimes(t *testing.T) {
	if p, err := parse([]byte(used)); err != nil || p.CPU != 2*time.Second || p.ReapedCPU != 3200*time.Millisecond {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestParseRefusesWhatIsNoStat(t *testing.T) {
	for _, text := range []string{"", "4711", "4711 (x", "4711 x) S 1", "4711 (x) S 1 2 3", ") (", strings.Replace(line("x"), "123456789", "-1", 1), strings.Replace(line("x"), "4711", "pid", 1), strings.Replace(used, "150", "x", 1)} {
		if p, err := parse([]byte(text)); err == nil {
			t.Errorf("%q became %+v", text, p)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, comm := range []string{"vllm", "a) R 1 (b", "two\nlines", ""} {
		f.Add(comm, 4710, uint64(99), []byte(line(comm)))
	}
	f.Fuzz(func(t *testing.T, comm string, ppid int, ticks uint64, raw []byte) {
		_, _ = parse(raw) // any bytes: no panic
		text := fmt.Sprintf("1 (%s) Z %d 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0", comm, ppid, ticks)
		p, err := parse([]byte(text))
		if err != nil || p.Comm != comm || p.PPID != ppid || p.Ticks != ticks || p.State != 'Z' {
			t.Errorf("%q became %+v, %v", text, p, err)
		}
	})
}

func TestAliveCountsTheThreadsOfAZombie(t *testing.T) {
	for _, row := range []struct {
		why     string
		state   byte
		threads int
		want    bool
	}{
		{"it runs", 'R', 1, true},
		{"it is stuck in a driver", 'D', 1, true},
		{"it is stopped", 'T', 1, true},
		{"it waits for its parent only", 'Z', 1, false},
		{"its leader ended, its threads run", 'Z', 5, true},
		{"it is being removed", 'X', 1, false},
	} {
		if got := (Proc{State: row.state, Threads: row.threads}).Alive(); got != row.want {
			t.Errorf("%s: got %v", row.why, got)
		}
	}
}

func TestBelowPicksATreeAndLeavesOutWhatItIsTold(t *testing.T) {
	all := []Proc{{PID: 1}, {PID: 10, PPID: 1}, {PID: 5, PPID: 10}, {PID: 11, PPID: 5}, {PID: 12, PPID: 10}, {PID: 13, PPID: 12}, {PID: 20, PPID: 1}, {PID: 30, PPID: 31}, {PID: 31, PPID: 30}}
	for _, row := range []struct {
		why    string
		root   int
		except int
		want   []int
	}{
		{"all of it, whatever the order of the pids", 10, 0, []int{5, 12, 11, 13}},
		{"a branch is left out with all on it", 10, 12, []int{5, 11}},
		{"a leaf has nothing", 13, 0, nil},
		{"a circle in a torn snapshot ends", 30, 0, []int{31}},
	} {
		var got []int
		for _, p := range Below(all, row.root, func(p Proc) bool { return p.PID == row.except }) {
			got = append(got, p.PID)
		}
		if diff := cmp.Diff(got, row.want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", row.why, diff)
		}
	}
}

func TestAProcessIsNamedWithoutItsTricks(t *testing.T) {
	if got, want := (Proc{PID: 7, Comm: "a\x1b[2Jb\n"}).String(), "7 (ab)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
