package cli_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/testbed"
)

var (
	nemesisRuns = flag.Int("nemesis.runs", 10, "how often the nemesis attacks")
	nemesisSeed = flag.Uint64("nemesis.seed", 0, "what it does, as a failure printed it; 0 = something new")
)

// attack is one act of the nemesis, drawn from a seed.
type attack struct {
	victim   string
	signals  []syscall.Signal
	at       *moment       // nil = at no moment of the run's own
	delay    time.Duration // after the first service is up, without at
	children []string      // what each worker and aiperf begins with
}

func (b attack) String() string {
	when := fmt.Sprintf("%v after the start", b.delay)
	if b.at != nil {
		when = fmt.Sprintf("in %s %d", b.at.phase, b.at.nth)
	}
	return fmt.Sprintf("%v to %s %s, among %s", b.signals, b.victim, when, strings.Join(b.children, " "))
}

// The victims that are no single process.
const (
	allShepherds = "all shepherds"
	everything   = "topobench and all shepherds"
)

// draw: run n of a seed is the same at any time.
func draw(seed uint64, n int) attack {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	victims := []string{"topobench", "a shepherd", allShepherds, everything,
		"a worker", "nginx", "etcd", "aiperf", "a grandchild"}
	signals := [][]syscall.Signal{{syscall.SIGKILL}, {syscall.SIGTERM}, {syscall.SIGINT},
		{syscall.SIGSTOP, syscall.SIGKILL}, {syscall.SIGSEGV}}
	habits := []string{"escape", "envless", "titled", "stubborn", "stopped", "zombie-leader",
		"leader", "grandchild", "abandon", "zombies:3", "racer:1500"}
	b := attack{victim: victims[r.IntN(len(victims))], signals: signals[r.IntN(len(signals))]}
	if b.victim == everything || b.victim == allShepherds && r.IntN(2) == 0 {
		b.signals = signals[0]
	}
	if all := moments(); r.IntN(2) == 0 {
		b.at = &all[r.IntN(len(all))]
	}
	b.delay = time.Duration(r.IntN(1200)) * time.Millisecond
	r.Shuffle(len(habits), func(i, j int) { habits[i], habits[j] = habits[j], habits[i] })
	b.children = habits[:5]
	return b
}

// A signal hits any part of a run, at any moment, while the workers have
// started trees of the worst kind. The run ends by itself, or was ended; what was
// killed together with all that would clean up falls to "topobench clean". Then
// nothing is left, and no foreign process was touched. The judge uses none of the
// product's own means.
func TestF57F59Nemesis(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are started on Linux only")
	}
	seed := *nemesisSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	for n := range *nemesisRuns {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			b := draw(seed, n)
			b.run(t)
			if t.Failed() {
				t.Logf("%v\nrepeat it with -run 'Nemesis/%d$' -nemesis.seed %d -nemesis.runs %d", b, n, seed, n+1)
			}
		})
	}
}

func (b attack) run(t *testing.T) {
	t.Cleanup(testbed.Reaper())
	s := newWorkspace(t)
	pids := filepath.Join(s.dir, "pids")
	env := append(paths(), testbed.PIDsKey+"="+pids, testbed.ChildrenKey+"="+strings.Join(b.children, " "))
	if b.at != nil {
		env = append(env, fmt.Sprintf("LC_AT=hold %s %d", b.at.phase, b.at.nth))
	}
	if _, err := s.launch("it", env, "topobench", "run", "nemesis.yaml", "--artifacts-root-dir", "root"); err != nil {
		t.Fatal(err)
	}
	b.await(t, s)
	others := foreignProcesses(t, s)
	b.hit(t, s)
	if err := os.WriteFile(filepath.Join(s.dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, err := s.code("it")
	if err != nil {
		t.Fatal(err)
	}
	if code == 5 {
		t.Errorf("DIRTY:\n%s", s.text("it.err"))
	}
	b.judge(t, s, pids)
	for _, o := range others {
		o.untouched(t)
	}
}

// await the moment of the attack. A run that ends before it is not hit.
func (b attack) await(t *testing.T, s *workspace) {
	t.Helper()
	if b.at != nil {
		s.reaches(t, "held")
		return
	}
	testbed.Soon(patience, func() bool {
		return len(s.glob("root/.topobench/*/topologies/*/logs/*.log")) > 0 || s.over("it")
	})
	select {
	case <-time.After(b.delay):
	case <-s.running["it"].ended:
	}
}

// hit signals the victim. Where there is none at this moment, topobench is hit; a run
// that is over already is not.
func (b attack) hit(t *testing.T, s *workspace) {
	t.Helper()
	pids := s.find(b.victim)
	t.Logf("hits %d of %s; %d recorded", len(pids), b.victim, len(testbed.Recorded(filepath.Join(s.dir, "pids"))))
	if len(pids) == 0 && s.over("it") {
		return // its pid may be another's
	}
	if len(pids) == 0 {
		pids = []int{s.running["it"].cmd.Process.Pid}
	}
	if !slices.Contains([]string{allShepherds, everything}, b.victim) {
		pids = pids[:1]
	}
	for _, sig := range b.signals {
		for _, pid := range pids {
			if err := syscall.Kill(pid, sig); err != nil && err != syscall.ESRCH {
				t.Error(err)
			}
		}
	}
}

// judge: who is killed cannot end anything, and so topobench's shepherds have a
// moment, and clean does the rest.
func (b attack) judge(t *testing.T, s *workspace, pids string) {
	t.Helper()
	limit := 2 * time.Second
	if b.victim == everything {
		s.clean(t, "")
		limit = 0
	}
	var left []string
	if !testbed.Soon(limit, func() bool { left = s.survivors(pids); return len(left) == 0 }) {
		t.Errorf("survivors:\n  %s", strings.Join(left, "\n  "))
	}
	s.clean(t, "")
	s.gone(t, 0)
	s.tempGone(t)
}
