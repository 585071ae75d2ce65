package host_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/testbed"
	"topobench/internal/text"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

func TestF70TheHoleLeavesHeadAndTail(t *testing.T) {
	for _, row := range []struct {
		why               string
		size, limit       int64
		wantFrom, wantEnd int64 // the same: no hole
	}{
		{"an empty log", 0, 256 * mib, 16 * mib, 16 * mib},
		{"one that is as large as it may be", 256 * mib, 256 * mib, 16 * mib, 16 * mib},
		{"less than a grain too large", 256*mib + 64*kib - 1, 256 * mib, 16 * mib, 16 * mib},
		{"a grain too large", 256*mib + 64*kib, 256 * mib, 16 * mib, 16*mib + 64*kib},
		{"a terabyte", 1 << 40, 256 * mib, 16 * mib, 1<<40 - 240*mib},
		{"a size that is no multiple of anything", 5*mib + 12345, mib, 64 * kib, 5*mib + 12345/(64*kib)*64*kib - 15*64*kib},
	} {
		from, to := host.HoleIn(row.size, row.limit)
		if to = max(from, to); from != row.wantFrom || to != row.wantEnd {
			t.Errorf("%s: %d to %d, want %d to %d", row.why, from, to, row.wantFrom, row.wantEnd)
		}
	}
}

// kept are logs that are being kept small; their holes are collected.
type kept struct {
	*host.Logs
	mu    sync.Mutex
	holes []host.Hole
	end   func()
}

func keep(t testing.TB, limit int64) *kept {
	k := &kept{Logs: host.NewLogs(limit)}
	k.SetEvery(time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		k.Keep(ctx, func(h host.Hole) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.holes = append(k.holes, h)
		})
	})
	k.end = func() { cancel(); done.Wait() }
	t.Cleanup(k.end)
	return k
}

func (k *kept) told() []host.Hole {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.holes)
}

// onDisk is what a file takes there, in bytes.
func onDisk(t testing.TB, path string) (size, taken int64) {
	t.Helper()
	var s syscall.Stat_t
	if err := syscall.Stat(path, &s); err != nil {
		t.Fatal(err)
	}
	return s.Size, s.Blocks * 512
}

// The child writes all the while, and its lines go on as if nothing had happened.
func TestF70ALogIsKeptSmallWhileItIsWritten(t *testing.T) {
	b := newBed(t)
	k := keep(t, mib)
	spec := b.spec("svc", "sleep")
	spec.Argv = []string{"/bin/sh", "-c", "echo first line; while :; do seq 100000 109999; done"}
	spec.Env = b.Env("PATH=/usr/bin:/bin")
	c, err := host.Starter{Exe: testbed.Program(), Logs: k.Logs}.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, soon, func() bool { size, _ := onDisk(t, spec.Log); return size > 8*mib })
	b.stop(c)
	k.end()
	size, taken := onDisk(t, spec.Log)
	if taken > mib+64*kib+4*kib {
		t.Errorf("%d of %d bytes are on the disk", taken, size)
	}
	holes := k.told()
	if len(holes) != 2 || holes[0].Path != spec.Log || holes[1].From != 64*kib || holes[1].To < size-mib {
		t.Fatalf("told of %+v in a log of %d bytes, want the first and the last hole", holes, size)
	}
	reads(t, spec.Log, holes[1])
	if lines, err := text.Tail(spec.Log, 2); err != nil || len(lines) != 2 || len(lines[0]) != 6 || !strings.HasPrefix(lines[0], "10") { // the last may be cut off
		t.Errorf("its end is %q", lines)
	}
}

// reads sees that a log has its head, zeros in the hole, and lines behind it.
func reads(t *testing.T, path string, h host.Hole) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := func(from, n int64) []byte {
		data, err := io.ReadAll(io.NewSectionReader(f, from, n))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if head := at(0, h.From); !bytes.HasPrefix(head, []byte("first line\n100000\n")) || bytes.IndexByte(head, 0) >= 0 {
		t.Errorf("the head is %q", head[:40])
	}
	if gone := at(h.From, h.To-h.From); len(bytes.Trim(gone, "\x00")) > 0 {
		t.Error("the hole holds text")
	}
	if tail := at(h.To, mib); bytes.IndexByte(tail, 0) >= 0 || !bytes.Contains(tail, []byte("\n109999\n100000\n")) {
		t.Error("the lines behind the hole are damaged")
	}
}

// /proc/kcore stands for a log on a file system that makes no holes.
func TestF70AFileSystemWithoutHolesIsToldOnce(t *testing.T) {
	b := newBed(t)
	if info, err := os.Stat("/proc/kcore"); err != nil || info.Size() < mib {
		t.Skipf("this system shows no large file that cannot have holes: %v", err)
	}
	k := keep(t, mib)
	starter := host.Starter{Exe: testbed.Program(), Logs: k.Logs}
	for _, name := range []string{"one", "two"} {
		spec := b.spec(name, "exit", "0")
		if _, _, err := starter.Run(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(spec.Log); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/proc/kcore", spec.Log); err != nil {
			t.Fatal(err)
		}
	}
	testbed.Eventually(t, soon, func() bool { return len(k.told()) > 0 })
	k.end()
	if told := k.told(); len(told) != 1 || told[0].Err == nil {
		t.Errorf("told %+v, want one error", told)
	}
}

// What is no log any more, or was cut by its program, is no trouble.
func TestF70LogsThatVanishOrShrink(t *testing.T) {
	b := newBed(t)
	k := keep(t, mib)
	starter := host.Starter{Exe: testbed.Program(), Logs: k.Logs}
	gone, cut := b.spec("gone", "flood", "2"), b.spec("cut", "flood", "4")
	for _, spec := range []host.Spec{gone, cut} {
		if _, _, err := starter.Run(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(gone.Log); err != nil {
		t.Fatal(err)
	}
	small := func() bool { _, taken := onDisk(t, cut.Log); return taken <= mib+128*kib }
	testbed.Eventually(t, soon, small)
	if err := os.Truncate(cut.Log, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := starter.Run(t.Context(), b.spec("cut", "flood", "2")); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, soon, small)
	if _, err := os.Stat(filepath.Join(b.dir, "gone.log")); err == nil {
		t.Error("a log that was removed is there again")
	}
}

func TestF70NoLimitIsNoWork(t *testing.T) {
	if l := host.NewLogs(0); l != nil {
		t.Fatalf("got %+v", l)
	}
	host.NewLogs(0).Keep(t.Context(), func(host.Hole) { t.Error("a hole") })
}
