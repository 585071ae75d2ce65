package monitor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A regular file stands for /dev/kmsg, which this user may not read.
func TestF35KernelMessagesOfTheCell(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kmsg")
	write := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	write("3,1,10,-;NVRM: Xid (PCI:0000:01:00): 31, of an earlier cell\n")
	k := openKernel(path)
	write("6,2,11,-;usb 1-1: a room for zoom\n SUBSYSTEM=usb\n4,3,12,-;NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.\n" +
		"6,4,13,-;Out of memory: Killed process 4711 (python3)\n6,5,14,-;oom_reaper: reaped process 4711\n")
	want := []string{"NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.", "Out of memory: Killed process 4711 (python3)", "oom_reaper: reaped process 4711"}
	if diff := cmp.Diff(want, k.evidence().Messages); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if e := openKernel("").evidence(); e != nil {
		t.Errorf("it is not to be read: %+v", e)
	}
	if e := openKernel(filepath.Join(t.TempDir(), "none")).evidence(); e == nil || e.Unread == "" {
		t.Errorf("it cannot be read: %+v", e)
	}
}

// Where the kernel permits it, its real log has no fault, and nothing blocks.
func TestF35RealKernelLogDoesNotBlock(t *testing.T) {
	_ = openKernel("/dev/kmsg").evidence()
}
