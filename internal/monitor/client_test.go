package monitor

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"topobench/internal/testbed"
)

// stat is /proc/PID/stat of a process with a name of its choice.
const stat = "4711 (a b) c)) S 1 4711 4711 0 -1 4194304 1 2 3 4 150 50 300 20 20 0 9 0 12345 1 2 3\n"

func TestParseTicks(t *testing.T) {
	if got, want := parseTicks([]byte(stat)), (ticks{own: 200, reaped: 320}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, text := range []string{"", "4711 (x", "4711 (x) S 1 2", strings.Replace(stat, "150", "x", 1)} {
		if got := parseTicks([]byte(text)); got != (ticks{}) {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func FuzzParseTicks(f *testing.F) {
	f.Add([]byte(stat))
	f.Add([]byte(") 18446744073709551615"))
	f.Fuzz(func(_ *testing.T, data []byte) { parseTicks(data) })
}

// files writes files below a new directory.
func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestF36QuotaOfACgroup(t *testing.T) {
	for _, row := range []struct {
		why   string
		files map[string]string
		text  string // of /proc/PID/cgroup
		want  [3]float64
	}{
		{"version 2, of a group above", map[string]string{"a/cpu.max": "200000 100000\n", "a/b/cpu.max": "max 100000\n",
			"a/cpu.stat": "usage_usec 7\nnr_periods 100\nnr_throttled 6\nthrottled_usec 9\n"}, "0::/a/b\n", [3]float64{2, 100, 6}},
		{"the smaller of two", map[string]string{"a/cpu.max": "200000 100000", "a/b/cpu.max": "50000 100000", "a/b/cpu.stat": "nr_periods 5"}, "0::/a/b\n", [3]float64{0.5, 5, 0}},
		{"a path that is not visible in a container", map[string]string{"cpu.max": "150000 100000"}, "0::/docker/abc\n", [3]float64{1.5, 0, 0}},
		{"version 1", map[string]string{"cpu,cpuacct/a/cpu.cfs_quota_us": "300000\n", "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n", "cpu,cpuacct/a/cpu.stat": "nr_periods 9\nnr_throttled 1"},
			"5:memory:/m\n4:cpu,cpuacct:/a\n0::/\n", [3]float64{3, 9, 1}},
		{"no quota in version 1", map[string]string{"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"}, "4:cpu:/a\n", [3]float64{}},
		{"nothing is known", nil, "", [3]float64{}},
		{"nonsense", map[string]string{"a/cpu.max": "x"}, "0::/a\nx\n", [3]float64{}},
	} {
		quota, periods, throttled := cgroupCPU(files(t, row.files), row.text)
		if got := [3]float64{quota, periods, throttled}; got != row.want {
			t.Errorf("%s: got %v, want %v", row.why, got, row.want)
		}
	}
}

// A process whose child computes is busy by its tree, also when the child has ended.
func TestF36TreeOfTheClientIsMeasured(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux'")
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	// The shell reaps a child that computes, starts another, and ends with it.
	shell, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "(i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done); echo reaped; while :; do :; done"},
		&os.ProcAttr{Files: []*os.File{nil, in, nil}})
	in.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Wait()
	defer shell.Signal(os.Kill)
	c := newClientSampler(nil)
	c.follow(shell.Pid)
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, 30*time.Second, func() bool {
		c.sample(t.Context())
		u := c.evidence()
		return u.Elapsed >= 1 && u.Seconds > 0.2 && u.Busiest > 0.1 && strings.Contains(u.Process, "aiperf") && u.CPUs >= 0.1
	})
	c.reset()
	if u := c.evidence(); u.Seconds != 0 {
		t.Errorf("the start of the client counts: %+v", u)
	}
}

func TestF36ClientThatIsNotThere(t *testing.T) {
	c := newClientSampler(nil)
	c.follow(1 << 30)
	c.sample(t.Context())
	if u := c.evidence(); u.Unread == "" {
		t.Errorf("got %+v", u)
	}
}
