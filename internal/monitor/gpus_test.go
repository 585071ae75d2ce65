package monitor

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/host"
	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// smi is an nvidia-smi of two GPUs, in a container where no process is ours.
type smi struct {
	used    [2]int   // MiB
	apps    []string // "GPU-a, 4711, 20000, python"
	broken  error
	reasons string // mask of throttle reasons of each GPU; "" = the driver has no such field
}

func (s *smi) targets() Targets { return Targets{Host: s, GPUs: time.Second} }

func (s *smi) Get(context.Context, string, int64, int64) ([]byte, error) { return nil, nil }

func (s *smi) Look(ctx context.Context, _ host.Question) (host.Snapshot, error) {
	found, err := gpu.SMI{Run: s.run}.State(ctx)
	if err == nil {
		found, err = found.Owned()
	}
	return host.Snapshot{GPUs: found}, err
}

func (s *smi) run(_ context.Context, args ...string) (string, int, error) {
	mask := ""
	switch query := args[0]; {
	case s.broken != nil:
		return "", 0, s.broken
	case strings.Contains(query, "compute-apps"):
		return strings.Join(s.apps, "\n"), 0, nil
	case strings.Contains(query, "reasons") && s.reasons == "":
		return "Field is not a valid field to query.", 2, nil
	case strings.Contains(query, "reasons"):
		mask = ", " + s.reasons
	}
	var lines []string
	for i, used := range s.used {
		lines = append(lines, fmt.Sprintf("%d, GPU-%c, 00000000:01:00.0, H100, %d, 81559, Disabled, Default, Enabled, 0%s", i, 'a'+i, used, mask))
	}
	return strings.Join(lines, "\n"), 0, nil
}

// check is the rule's verdict on what the samples of one cell showed.
func (s *gpuSamples) check(t *testing.T, name verdict.CheckName) verdict.Check {
	t.Helper()
	c, _ := verdict.Of(verdict.Evidence{GPUs: s.evidence()}, aiperf.Measurement{}, verdict.Load{}).Find(name)
	return c
}

// In a container without the host's process ids nvidia-smi shows no process of ours, nor
// the foreign one: only memory that grows tells of it.
func TestF33ForeignUserIsFoundByMemory(t *testing.T) {
	for _, row := range []struct {
		why        string
		apps       []string // after readiness, and later
		later      []string
		used       int // of GPU 0 later; after readiness 70000
		want       verdict.State
		wantDetail string
	}{
		{"nothing changed, and still nobody can be sure", nil, nil, 70000, verdict.NotMade, "no process of ours"},
		{"buffers grew", nil, nil, 71000, verdict.NotMade, "no process of ours"},
		{"a foreign process came", nil, nil, 71025, verdict.Invalid, "GPU 0 (GPU-a): 1025 MiB more than the 70000 MiB after readiness"},
		{"a process that was there grew", []string{"GPU-a, 4711, 69000, python"}, []string{"GPU-a, 4711, 72000, python"}, 73000, verdict.NotMade, ""},
		{"another process came beside it", []string{"GPU-a, 4711, 69000, python"}, []string{"GPU-a, 4711, 69000, python", "GPU-a, 4712, 3000, python"}, 73000, verdict.Invalid, "3000 MiB more"},
		{"memory that is given back", nil, nil, 20000, verdict.NotMade, ""},
	} {
		t.Run(row.why, func(t *testing.T) {
			s := &smi{used: [2]int{70000, 400}, apps: row.apps}
			m := New(s.targets())
			first := newGPUSamples(m, []int{0, 1})
			first.sample(t.Context())
			if c := first.check(t, verdict.GPUUsers); c.State != verdict.NotMade {
				t.Errorf("at first: %+v", c)
			}
			s.used[0], s.apps = row.used, row.later
			next := newGPUSamples(m, []int{0, 1}) // of a later cell, which compares with the first
			next.sample(t.Context())
			next.sample(t.Context())
			if c := next.check(t, verdict.GPUUsers); c.State != row.want || !strings.Contains(c.Detail, row.wantDetail) {
				t.Errorf("%+v, want %s %q", c, row.want, row.wantDetail)
			}
		})
	}
}

func TestF33OurOwnProcessMakesMemoryUnimportant(t *testing.T) {
	child, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Kill()
	s := &smi{used: [2]int{100, 0}, apps: []string{fmt.Sprintf("GPU-a, %d, 100, sleep", child.Pid)}}
	samples := newGPUSamples(New(s.targets()), []int{0})
	samples.sample(t.Context())
	s.used[0] = 9000
	samples.sample(t.Context())
	if c := samples.check(t, verdict.GPUUsers); c.State != verdict.Valid {
		t.Errorf("%+v", c)
	}
	s.apps = append(s.apps, fmt.Sprintf("GPU-a, %d, 9, x", os.Getppid()))
	samples.sample(t.Context())
	samples.sample(t.Context())
	if c := samples.check(t, verdict.GPUUsers); c.State != verdict.Invalid || len(samples.seen.Foreign) != 1 {
		t.Errorf("a foreign process, twice: %+v, %q", c, samples.seen.Foreign)
	}
}

// A sample that fails, be it a wedged driver for 20 s, costs a cell nothing when those
// after it have answered.
func TestF33OneMissedSampleIsNoDoubt(t *testing.T) {
	s := newGPUSamples(New(new(smi).targets()), []int{0})
	s.seen.Attributed = true
	for i, step := range []struct {
		missed bool
		want   verdict.State
	}{{false, verdict.Valid}, {true, verdict.NotMade}, {false, verdict.Valid}, {true, verdict.NotMade}, {true, verdict.NotMade},
		{false, verdict.Valid}, {true, verdict.NotMade}, {true, verdict.NotMade}, {false, verdict.NotMade}, {false, verdict.Valid}} {
		if step.missed {
			s.fail("it has not answered within 20s")
		} else {
			s.add(gpu.State{})
		}
		if got := s.check(t, verdict.GPUUsers); got.State != step.want {
			t.Errorf("after sample %d: %+v, want %s", i+1, got, step.want)
		}
	}
}

func TestF33ThrottleReasons(t *testing.T) {
	s := &smi{reasons: "0x40"}
	samples := newGPUSamples(New(s.targets()), []int{0, 1})
	samples.sample(t.Context())
	samples.sample(t.Context())
	if c := samples.check(t, verdict.GPUClocks); c.State != verdict.Note || strings.Count(c.Detail, "GPU ") != 2 {
		t.Errorf("%+v, want GPUs 0 and 1 once", c)
	}
	none := newGPUSamples(New(new(smi).targets()), []int{0})
	none.sample(t.Context())
	if c := none.check(t, verdict.GPUClocks); c.State != verdict.NotMade {
		t.Errorf("a driver without that field: %+v", c)
	}
}

// A sample that the end of the watch cuts off is no failed one.
func TestF33InterruptedSampleDoesNotCount(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	broken := &smi{}
	broken.broken = context.Canceled
	samples := newGPUSamples(New(broken.targets()), []int{0})
	cancel()
	samples.sample(ctx)
	if samples.seen.Samples != 0 {
		t.Errorf("%+v", samples.seen)
	}
}

func TestWithoutNvidiaSMITheCheckIsNoted(t *testing.T) {
	m := New(Targets{Plan: plan.Plan{Hardware: plan.Hardware{Devices: []int{0}}}})
	samples := newGPUSamples(m, []int{0})
	samples.sample(t.Context())
	if c := samples.check(t, verdict.GPUUsers); c.State != verdict.NotMade || !strings.Contains(c.Detail, "no nvidia-smi") {
		t.Errorf("%+v", c)
	}
}
