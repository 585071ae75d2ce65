package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/plan"
)

func TestTheCostOfATopology(t *testing.T) {
	real := plan.Plan{Name: "a", Engine: "vllm", GPUs: 8, Load: aiperf.Load{OSL: 150, Concurrency: []int{1, 4}}}
	mocker := real
	mocker.Engine, mocker.Simulated = "mocker", true
	cpu := real
	cpu.Versions.VLLM = "0.31.0+cpu"
	started := Rates{Latency: map[int]time.Duration{1: time.Second}, Start: 7 * time.Minute, From: "artifacts_3"}
	measured := Rates{Latency: map[int]time.Duration{1: 2 * time.Second, 16: 10 * time.Second}, From: "artifacts_3"}
	for _, row := range []struct {
		why   string
		plan  plan.Plan
		rates Rates
		time  time.Duration
		gpus  float64 // that are counted
		from  string
	}{
		// Two minutes for the start; for each level 12 s, and 12 latencies of 1 s and 150 tokens of 40 ms.
		{"assumed", real, Rates{}, 120*time.Second + 2*(12+12*7)*time.Second, 8, "assumed: 25 tok/s/user"},
		{"simulated", mocker, Rates{}, 10*time.Second + 2*(12+12*1.5)*time.Second, 0, "assumed: 100 tok/s/user"},
		{"on the CPU", cpu, Rates{}, 120*time.Second + 2*(12+12*7)*time.Second, 0, "assumed"},
		// 4 is as far from 1 as from 16: the slower one counts.
		{"measured", real, measured, 120*time.Second + (12+12*2)*time.Second + (12+12*10)*time.Second, 8, "artifacts_3"},
		{"with the start of a large model", real, started, 7*time.Minute + 2*(12+12)*time.Second, 8, "artifacts_3"},
	} {
		for range 3 {
			c := CostOf(row.plan, row.rates)
			if c.Time != row.time || c.GPUHours != row.time.Hours()*row.gpus || !strings.Contains(c.From, row.from) {
				t.Errorf("%s: %+v, want %s", row.why, c, row.time)
			}
			if c.Launches != 1 || c.Cells != 2 || c.Requests != 12*5 {
				t.Errorf("%s: %+v", row.why, c)
			}
		}
	}
}

// The journal of the newest run that made an artifacts_N has the start of its launch.
func TestTheStartOfAnEarlierLaunch(t *testing.T) {
	root := t.TempDir()
	const line = `{"seq":%d,"time":"2026-11-30T08:58:49Z","ms":%d,"event":%q,"topology":%q,"artifacts":%q}` + "\n"
	for id, lines := range map[string]string{
		"20261130-085849-c4de": fmt.Sprintf(line, 1, 100, "launch-begin", "a", "artifacts_1") + fmt.Sprintf(line, 2, 2100, "cell-begin", "a", "") +
			fmt.Sprintf(line, 3, 5000, "launch-begin", "b", "artifacts_2") + fmt.Sprintf(line, 4, 8500, "cell-begin", "b", "") +
			fmt.Sprintf(line, 5, 9500, "cell-begin", "b", ""),
		"20261201-085849-0001": fmt.Sprintf(line, 1, 0, "launch-begin", "c", "artifacts_3") + "damaged\n",
	} {
		dir := filepath.Join(root, artifacts.StateDir, id)
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, journal.Name), []byte(lines), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]time.Duration{"artifacts_1": 2 * time.Second, "artifacts_2": 3500 * time.Millisecond,
		"artifacts_3": 0, "artifacts_4": 0} {
		if got := startOf(root, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestCostLines(t *testing.T) {
	a := Cost{Name: "a", Launches: 1, Cells: 9, Requests: 6132, Time: 1000 * time.Second, GPUHours: 2.222, From: "a guess"}
	b := Cost{Name: "b", Launches: 1, Cells: 1, Requests: 12, Time: 200 * time.Hour, From: "a guess"}
	want := "a: 1 launch, 9 cells, 6132 requests; about 17 minutes, 2.2 GPU-hours (a guess)"
	if got := CostLines([]Cost{a}, 100); len(got) != 1 || got[0] != want {
		t.Errorf("got %q", got)
	}
	got := CostLines([]Cost{a, b}, 100)
	if len(got) != 3 || got[1] != "b: 1 launch, 1 cell, 12 requests; about 200 hours (a guess)" ||
		got[2] != "in all: 2 launches, 10 cells, 6144 requests; about 200 hours, 2.2 GPU-hours" {
		t.Errorf("got %q", got)
	}
	got = CostLines([]Cost{a}, 70)
	if len(got) != 2 || got[0] != "a: 1 launch, 9 cells, 6132 requests;" || got[1] != "  about 17 minutes, 2.2 GPU-hours (a guess)" {
		t.Errorf("narrow: got %q", got)
	}
}
