package gpu

import (
	"context"
	"testing"
	"time"
)

const (
	allClocks = "--query-gpu=index,clocks.max.sm,clocks.max.memory,clocks.applications.graphics,clocks.applications.memory"
	maxClocks = "--query-gpu=index,clocks.max.sm,clocks.max.memory"
)

// smiOf answers by the first argument; it lacks the fields of any other query.
func smiOf(answers map[string]string) SMI {
	return SMI{Run: func(_ context.Context, args ...string) (string, int, error) {
		if text, known := answers[args[0]]; known {
			return text, 0, nil
		}
		return `Field "x" is not a valid field to query.`, 2, nil
	}}
}

func TestFactsOfADriver(t *testing.T) {
	f := smiOf(map[string]string{
		"topo":    "\tGPU0\nGPU0\t X \n",
		"-q":      "\n====NVSMI LOG====\n\nDriver Version   : 580.95.05\nCUDA Version     : 13.0\n",
		allClocks: "0, 1980, 2619, 1755, 2619\n1, 1980, [N/A], [N/A], [N/A]\n",
	}).Facts(t.Context())
	if f.CUDA != "13.0" || f.Matrix != "\tGPU0\nGPU0\t X \n" || len(f.Missing) > 0 {
		t.Errorf("got %+v", f)
	}
	const all = "SM 1980 MHz at most, memory 2619 MHz at most, application SM 1755 MHz, application memory 2619 MHz"
	if f.Clocks[0] != all || f.Clocks[1] != "SM 1980 MHz at most" {
		t.Errorf("clocks %v", f.Clocks)
	}
}

// A field that a driver does not have costs that field, and no other fact.
func TestFactsOfAnotherDriver(t *testing.T) {
	f := smiOf(map[string]string{maxClocks: "0, 1980, 2619\n"}).Facts(t.Context())
	if f.Clocks[0] != "SM 1980 MHz at most, memory 2619 MHz at most" || f.CUDA+f.Matrix != "" || len(f.Missing) != 2 {
		t.Errorf("got %+v", f)
	}
	if f := smiOf(map[string]string{"topo": "m\n"}).Facts(t.Context()); f.Matrix != "m\n" || len(f.Missing) != 2 {
		t.Errorf("got %+v", f)
	}
}

// A driver that hangs costs the facts, and no more than the limit.
func TestFactsEndInTime(t *testing.T) {
	m := SMI{Limit: 50 * time.Millisecond, Run: func(ctx context.Context, _ ...string) (string, int, error) {
		<-ctx.Done()
		return "", 0, context.Cause(ctx)
	}}
	began := time.Now()
	f := m.Facts(t.Context())
	if len(f.Missing) != 3 || time.Since(began) > 10*time.Second {
		t.Errorf("%q after %s", f.Missing, time.Since(began))
	}
}

func TestUsersAreThoseOfOthers(t *testing.T) {
	s := State{Devices: []Device{{Index: 3, UUID: "GPU-3"}}, Processes: []Process{
		{UUID: "GPU-3", PID: 1, Owner: Owner{Party: Ours, User: "a", Command: "vllm"}},
		{UUID: "GPU-3", PID: 2, Owner: Owner{Party: Theirs, User: "b", Command: "python"}}}}
	if got := Users(s); len(got) != 1 || got[0] != "GPU 3 (GPU-3): process 2 of b (python)" {
		t.Errorf("got %q", got)
	}
}
