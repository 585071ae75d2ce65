package host

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A regular file stands for /dev/kmsg, which this user may not read.
func TestF35KernelMessagesAfterANumber(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kmsg")
	text := "3,1,10,-;NVRM: Xid (PCI:0000:01:00): 31, of an earlier cell\n"
	look := func(after uint64) KernelLog {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Local{Kernel: path}.Look(t.Context(), Question{Kernel: true, After: after})
		if err != nil {
			t.Fatal(err)
		}
		return s.Kernel
	}
	start := look(math.MaxUint64)
	if start.Last != 1 || len(start.Messages) > 0 || start.Fault != "" {
		t.Errorf("at the start: %+v", start)
	}
	text += "6,2,11,-;usb 1-1: a room; for zoom\n SUBSYSTEM=usb\n4,3,12,-;NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.\n"
	want := KernelLog{Last: 3, Messages: []string{"usb 1-1: a room; for zoom", "NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus."}}
	if diff := cmp.Diff(want, look(start.Last)); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	for _, missing := range []string{"", filepath.Join(t.TempDir(), "none")} {
		s, err := Local{Kernel: missing}.Look(t.Context(), Question{Kernel: true})
		if err != nil || s.Kernel.Fault == "" {
			t.Errorf("%q: %+v, %v", missing, s.Kernel, err)
		}
	}
}

// Where the kernel permits it, its real log ends, and nothing blocks.
func TestF35RealKernelLogDoesNotBlock(t *testing.T) {
	k := readKernel("/dev/kmsg", math.MaxUint64)
	if len(k.Messages) > 0 {
		t.Errorf("messages after the last number: %q", k.Messages)
	}
}
