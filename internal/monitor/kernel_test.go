package monitor

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/plan"
	"topobench/internal/testbed"
)

func TestF35KernelMessagesOfTheCell(t *testing.T) {
	h := &testbed.Scripted{Kernel: []string{"NVRM: Xid (PCI:0000:01:00): 31, of an earlier cell"}}
	targets := new(fake).targets(plan.Plan{})
	targets.Host, targets.Kernel = h, true
	m := New(targets)
	w, err := m.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.Change(func() {
		h.Kernel = append(h.Kernel, "usb 1-1: a room for zoom", "NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.",
			"Out of memory: Killed process 4711 (python3)", "oom_reaper: reaped process 4711")
	})
	e, err := w.Stop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.", "Out of memory: Killed process 4711 (python3)", "oom_reaper: reaped process 4711"}
	if diff := cmp.Diff(want, e.Kernel.Messages); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestF35UnreadableKernelLog(t *testing.T) {
	targets := new(fake).targets(plan.Plan{})
	targets.Host, targets.Kernel = &testbed.Scripted{Fault: errors.New("the host is gone")}, true
	w, err := New(targets).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e, err := w.Stop(t.Context()); err != nil || e.Kernel.Unread != "the host is gone" {
		t.Errorf("%+v, %v", e.Kernel, err)
	}
	targets.Kernel = false
	if w, err = New(targets).Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e, err := w.Stop(t.Context()); err != nil || e.Kernel != nil {
		t.Errorf("it is not to be read: %+v, %v", e.Kernel, err)
	}
}
