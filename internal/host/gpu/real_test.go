//go:build gpu && linux

package gpu_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host/gpu"
	"topobench/internal/testbed"
)

const (
	holdMiB = 4096              // more than an idle GPU shows, and than 512 MiB
	within  = 120 * time.Second // for memory to be given back
)

// real asks the nvidia-smi of this machine.
func real() gpu.SMI {
	return gpu.SMI{Run: func(ctx context.Context, args ...string) (string, int, error) {
		cmd := exec.CommandContext(ctx, "nvidia-smi", args...)
		text, err := cmd.CombinedOutput()
		if exit, ended := errors.AsType[*exec.ExitError](err); ended {
			return string(text), exit.ExitCode(), nil
		}
		return string(text), 0, err
	}}
}

// look is the state now. Where there is no GPU, the test is skipped.
func look(t *testing.T) gpu.State {
	t.Helper()
	if _, err := exec.LookPath("nvidia-smi"); err != nil {
		t.Skip("no nvidia-smi on PATH")
	}
	s, err := real().State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Devices) == 0 {
		t.Skip("nvidia-smi finds no GPU: ", s.Trouble)
	}
	return owned(t, s)
}

func owned(t *testing.T, s gpu.State) gpu.State {
	t.Helper()
	s, err := s.Owned()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func party(t *testing.T, pid int) gpu.Party {
	t.Helper()
	return owned(t, gpu.State{Processes: []gpu.Process{{PID: pid}}}).Processes[0].Owner.Party
}

// idle is a GPU that nobody uses.
func idle(t *testing.T) (gpu.State, gpu.Device) {
	t.Helper()
	s := look(t)
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3, which holds the memory")
	}
	for _, d := range s.Devices {
		if len(gpu.Busy(s, []int{d.Index})) == 0 && d.MIG != "Enabled" && d.Used >= 0 {
			return s, d
		}
	}
	t.Skip("no GPU is idle, without MIG, and tells its memory")
	return gpu.State{}, gpu.Device{}
}

// python runs hold.py on one device, or on all; the caller's own choice of devices
// does not count.
func python(t *testing.T, device string, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "CUDA_") }), "CUDA_DEVICE_ORDER=PCI_BUS_ID")
	if device != "" {
		cmd.Env = append(cmd.Env, "CUDA_VISIBLE_DEVICES="+device)
	}
	return cmd
}

// holder starts hold.py through argv and returns the pid that has the memory.
func holder(t *testing.T, d gpu.Device, argv ...string) int {
	t.Helper()
	cmd := python(t, strconv.Itoa(d.Index), argv...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, bad := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(line), "holds "))
	go func() {
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait() // it is killed
	}()
	if err := errors.Join(err, bad); err != nil {
		t.Fatalf("hold.py said %q: %v", line, err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) }) // it may be gone
	return pid
}

// gone kills pid and waits until the witness sees nothing; the figure is how long it took.
func gone(t *testing.T, before gpu.State, d gpu.Device, pid int) time.Duration {
	t.Helper()
	began := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var left []string
	if !testbed.Soon(within, func() bool {
		left, _ = gpu.Left(before, look(t), []int{d.Index})
		return len(left) == 0
	}) {
		t.Fatalf("after %s: %q", within, left)
	}
	return time.Since(began)
}

func TestRealText(t *testing.T) {
	began := time.Now()
	s := look(t)
	t.Logf("figure: nvidia-smi answers both questions in %s with %d GPUs", time.Since(began).Round(time.Millisecond), len(s.Devices))
	for _, d := range s.Devices {
		t.Logf("figure: %s at %s: %s, %s of %s used, MIG %q, compute mode %s, persistence %s, %d ECC errors", d, d.Bus, d.Name, d.Used, d.Total, d.MIG, d.Compute, d.Persist, d.ECC)
		t.Logf("figure: slowed down: %q", d.Slowed)
		if d.UUID == "" || d.Bus == "" || d.Slowed == nil || d.Total == 0 || d.Used > d.Total {
			t.Errorf("%+v", d)
		}
	}
	for _, p := range s.Processes {
		t.Logf("figure: %+v", p)
	}
	var all []int
	for _, d := range s.Devices {
		all = append(all, d.Index)
	}
	for _, warning := range gpu.Warnings(s, all) {
		t.Logf("figure: warning: %s", warning)
	}
	if err := gpu.Missing(s, []int{999}); err == nil {
		t.Error("GPU 999 is there")
	}
}

// With CUDA_DEVICE_ORDER=PCI_BUS_ID, CUDA counts as nvidia-smi does.
func TestF12RealIndexOrder(t *testing.T) {
	s := look(t)
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3, which asks CUDA")
	}
	out, err := python(t, "", "python3", "testdata/hold.py", "order").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	buses := strings.Fields(string(out))
	if len(buses) != len(s.Devices) {
		t.Fatalf("CUDA counts %q, nvidia-smi %v", buses, s.Devices)
	}
	for i, d := range s.Devices {
		// CUDA writes a domain of four digits, nvidia-smi one of eight.
		if d.Index != i || !strings.HasSuffix(strings.ToLower(d.Bus), strings.ToLower(buses[i])) {
			t.Errorf("number %d is %s for CUDA, and for nvidia-smi %s at %s", i, buses[i], d, d.Bus)
		}
	}
}

// Memory of a process of ours is seen as ours, and is given back after SIGKILL.
func TestF60RealKillToBaseline(t *testing.T) {
	before, d := idle(t)
	for range 3 {
		pid := holder(t, d, "python3", "testdata/hold.py", strconv.Itoa(holdMiB))
		now := look(t)
		left, taken := gpu.Left(before, now, []int{d.Index})
		if len(left) != 1 || len(taken) > 0 {
			t.Fatalf("%d MiB of ours: left %q, taken %q", holdMiB, left, taken)
		}
		if shown(now, d, pid) && !strings.Contains(left[0], fmt.Sprintf("still used by process %d ", pid)) {
			t.Errorf("nvidia-smi shows it, but it is not ours: %q", left[0])
		}
		t.Logf("figure: pids can be told: %t; seen as: %s", shown(now, d, pid), left[0])
		t.Logf("figure: from SIGKILL to baseline: %s", gone(t, before, d, pid).Round(time.Millisecond))
	}
}

// Memory of a process that does not descend from the test is somebody else's.
func TestF13RealStranger(t *testing.T) {
	before, d := idle(t)
	pid := holder(t, d, "sh", "-c", "setsid python3 testdata/hold.py "+strconv.Itoa(holdMiB)+" & exec sleep 0")
	if !testbed.Soon(10*time.Second, func() bool { return party(t, pid) != gpu.Ours }) {
		t.Fatal("it still descends from the test")
	}
	now := look(t)
	busy := gpu.Busy(now, []int{d.Index})
	left, taken := gpu.Left(before, now, []int{d.Index})
	t.Logf("figure: pids can be told: %t; busy: %q, taken over: %q, left: %q", shown(now, d, pid), busy, taken, left)
	switch {
	case len(busy) != 1:
		t.Errorf("busy: %q", busy)
	case !shown(now, d, pid) && len(left) != 1:
		t.Errorf("nvidia-smi does not show it, and memory does not tell: left %q", left)
	case shown(now, d, pid) && (!strings.Contains(busy[0], fmt.Sprintf("process %d of", pid)) || len(taken) != 1):
		t.Errorf("nvidia-smi shows it: busy %q, taken over %q, left %q", busy, taken, left)
	}
	t.Logf("figure: from SIGKILL to baseline: %s", gone(t, before, d, pid).Round(time.Millisecond))
}

// shown reports whether nvidia-smi names the pid: in a container it may not.
func shown(s gpu.State, d gpu.Device, pid int) bool {
	return slices.ContainsFunc(s.On(d), func(p gpu.Process) bool { return p.PID == pid })
}
