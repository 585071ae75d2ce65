package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/shirou/gopsutil/v3/common"
	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/disk"

	"topobench/internal/host/proc"
)

// CPUTimes are what all CPUs of this machine together have spent since the boot.
type CPUTimes struct{ Idle, All time.Duration }

// CPU reads the times of this machine. The library would follow HOST_PROC in the
// environment to the /proc of another one.
func CPU() (CPUTimes, error) {
	ctx := context.WithValue(context.Background(), common.EnvKey, common.EnvMap{common.HostProcEnvKey: "/proc"})
	all, err := cpu.TimesWithContext(ctx, false)
	if err == nil && len(all) == 0 {
		err = errors.ErrUnsupported
	}
	if err != nil {
		return CPUTimes{}, fmt.Errorf("cannot read the CPU times of this machine: %w", err)
	}
	t := all[0] // guest times are in user and nice already
	idle := t.Idle + t.Iowait
	return CPUTimes{seconds(idle), seconds(idle + t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal)}, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// IdleSince is the share of time since an earlier look in which the CPUs had nothing to
// do, 0 to 1. It is unknown of less than a second of one CPU, for which a clock tick is
// too coarse. A counter that went back, as iowait may, counts as unchanged.
func (t CPUTimes) IdleSince(before CPUTimes) (share float64, known bool) {
	all := t.All - before.All
	if all < time.Second {
		return 0, false
	}
	idle := min(max(0, t.Idle-before.Idle), all)
	return float64(idle) / float64(all), true
}

// TreeLoad reads what the process pid and its descendants have used of the CPUs, and what
// they may use. An error matching fs.ErrNotExist reports that pid is gone.
func TreeLoad(pid int) (proc.Load, error) {
	limit := proc.Limit(pid) // before the processes: it is complete if pid is there after it
	all, err := proc.Snapshot()
	if err != nil {
		return proc.Load{}, err
	}
	l := proc.LoadOf(all, pid, time.Now())
	if l.At.IsZero() {
		return proc.Load{}, fmt.Errorf("cannot read the load of process %d: %w", pid, fs.ErrNotExist)
	}
	l.Limit = limit
	return l, nil
}

// Space is what a file system has left for this user. Quotas are not in it.
type Space struct {
	Bytes, Files uint64 // Files are inodes; NoLimit where they are made as needed
	Remote       string // the kind of a file system on another machine, as "NFS"; "" for a local one
}

// NoLimit is the number of inodes of a file system that makes them as needed.
const NoLimit = 1<<64 - 1

// Disk is the space below path. The last parts of path need not exist yet.
func Disk(path string) (Space, error) {
	fail := func(err error) (Space, error) {
		return Space{}, fmt.Errorf("cannot see how much space there is at %s: %w", path, err)
	}
	at, err := filepath.Abs(path)
	if err != nil {
		return fail(err)
	}
	for {
		usage, err := disk.Usage(at)
		if parent := filepath.Dir(at); errors.Is(err, fs.ErrNotExist) && parent != at {
			at = parent
			continue
		}
		if err != nil {
			return fail(err)
		}
		space := Space{Bytes: usage.Free, Files: usage.InodesFree, Remote: remote(usage.Fstype)}
		if usage.InodesTotal == 0 { // btrfs, and some remote ones
			space.Files = NoLimit
		}
		return space, nil
	}
}

// remote names the file systems of other machines, by the library's names of types.
func remote(kind string) string {
	return map[string]string{
		"nfs": "NFS", "smb": "SMB", "cifs": "CIFS", "lustre": "Lustre", "gpfs": "GPFS", "fhgfs": "BeeGFS",
		"ceph": "Ceph", "afs": "AFS", "k-afs": "AFS", "panfs": "PanFS", "v9fs": "9p", "fuseblk": "FUSE",
	}[kind]
}
