package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
)

// Claims do not bind their ports, so a test may use any number.
func claimable(numbers ...int) []plan.Port {
	var ports []plan.Port
	for _, n := range numbers {
		ports = append(ports, plan.Port{Service: "frontend", Use: "http", Number: n})
	}
	return ports
}

// here is this machine.
type here struct{}

func (here) Claim(_ context.Context, resources []host.Resource) (release func(), err error) {
	return host.Claim(resources)
}

func claim(ports []plan.Port) (release func(), err error) {
	return Claim(context.Background(), here{}, "", ports)
}

func claimGPUs(devices map[string]string) (release func(), err error) {
	return ClaimGPUs(context.Background(), here{}, "", devices)
}

func TestAClaimedPortIsBusyUntilItsRelease(t *testing.T) {
	release, err := claim(claimable(70002, 70001, 70002))
	if err != nil {
		t.Fatal(err)
	}
	_, err = claim(claimable(70000, 70002))
	if busy, is := errors.AsType[*PortsBusyError](err); !is || !busy.ByRun {
		t.Fatalf("error %v, want *PortsBusyError of another run", err)
	}
	if text := err.Error(); strings.Contains(text, "end that process") || !strings.Contains(text, "wait until that run has ended") {
		t.Errorf("the next step is wrong: %s", text)
	}
	if want := fmt.Sprintf("70002 (http of frontend) is held by another topobench run (process %d)", os.Getpid()); !strings.Contains(err.Error(), want) {
		t.Errorf("no %q in %v", want, err)
	}
	// The ports of the refused claim are free again, and disjoint runs go side by side.
	other, err := claim(claimable(70000, 70003))
	if err != nil {
		t.Fatal(err)
	}
	other()
	release()
	if release, err = claim(claimable(70001, 70002)); err != nil {
		t.Fatal(err)
	}
	release()
}

// Whatever ports they share and in whatever order they name them: one claim succeeds.
func TestOneOfManyClaimsSucceeds(t *testing.T) {
	for range 50 {
		var got [4]error
		release := [4]func(){}
		var all sync.WaitGroup
		for i, ports := range [][]plan.Port{claimable(70010, 70011, 70012), claimable(70012, 70011), claimable(70011, 70010), claimable(70012, 70010)} {
			all.Go(func() { release[i], got[i] = claim(ports) })
		}
		all.Wait()
		won := 0
		for i, err := range got {
			if err == nil {
				won++
				release[i]()
			}
		}
		if won != 1 {
			t.Fatalf("%d of 4 claims on the same ports succeed, want 1: %v", won, got)
		}
	}
}

func TestOursIsWhatDescendsFromUs(t *testing.T) {
	all := []proc.Proc{{PID: 10, PPID: 1, Ticks: 5}, {PID: 11, PPID: 10, Ticks: 6}, {PID: 12, PPID: 11, Ticks: 7}, {PID: 20, PPID: 1, Ticks: 8}}
	for _, row := range []struct {
		why  string
		p    proc.Proc
		want bool
	}{
		{"this process itself", all[0], true},
		{"a grandchild", all[2], true},
		{"a neighbour, started later", all[3], false},
		{"the next owner of a grandchild's pid", proc.Proc{PID: 12, PPID: 1, Ticks: 9}, false},
	} {
		if got := ours(row.p, host.Snapshot{Self: all[0], Processes: all}); got != row.want {
			t.Errorf("%s: %t, want %t", row.why, got, row.want)
		}
	}
}

func TestAGPUIsClaimedByItsUUID(t *testing.T) {
	release, err := claimGPUs(map[string]string{"GPU-test-b": "GPU 1 (GPU-test-b)", "GPU-test-a": "GPU 0 (GPU-test-a)"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = claimGPUs(map[string]string{"GPU-test-b": "GPU 7 (GPU-test-b)", "GPU-test-c": "GPU 2 (GPU-test-c)"})
	if _, is := errors.AsType[*GPUsBusyError](err); !is {
		t.Fatalf("error %v, want *GPUsBusyError", err)
	}
	for _, word := range []string{fmt.Sprintf("GPU 7 (GPU-test-b) is held by another topobench run (process %d)", os.Getpid()), "--wait-gpus"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("no %q in %v", word, err)
		}
	}
	other, err := claimGPUs(map[string]string{"GPU-test-c": "GPU 2 (GPU-test-c)"})
	if err != nil {
		t.Fatal(err)
	}
	other()
	release()
}

// Claimed sees the claims of a run and leaves them, and what is free, alone.
func TestClaimedReportsWithoutClaiming(t *testing.T) {
	gpus := map[string]string{"GPU-claimed-test": "GPU 0", "GPU-free-test": "GPU 1"}
	if faults := Claimed(claimable(70020, 70021), gpus); len(faults) > 0 {
		t.Fatalf("nothing is claimed: %v", faults)
	}
	release, err := claim(claimable(70021))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	releaseGPU, err := claimGPUs(map[string]string{"GPU-claimed-test": "GPU 0"})
	if err != nil {
		t.Fatal(err)
	}
	defer releaseGPU()
	for range 2 {
		faults := Claimed(claimable(70020, 70021), gpus)
		if len(faults) != 2 || !Busy(faults[0]) || !Busy(faults[1]) || !strings.Contains(faults[0].Error(), "70021") {
			t.Errorf("got %v, want the port and the GPU", faults)
		}
	}
	if free, err := claim(claimable(70020)); err != nil {
		t.Errorf("it has claimed a free port: %v", err)
	} else {
		free()
	}
}
