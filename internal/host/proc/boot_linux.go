package proc

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"topobench/internal/text"
)

// tick is the unit of start and CPU times: USER_HZ, 100 a second wherever Go runs.
const tick = time.Second / 100

// Boot is the id of this boot of the machine: no process survives a boot.
func Boot() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("cannot read the id of this boot: %w", err)
	}
	return strings.TrimSpace(string(id)), nil
}

// PIDNamespace is the name of the pid namespace of this process; "" where the kernel has
// none. In another one, as in a container, processes have other pids.
func PIDNamespace() string {
	name, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return name
}

// Wchan is the function of the kernel in which a process waits, by which a wedged driver
// differs from a slow disk; "" where it runs or the kernel shows none.
func Wchan(pid int) string {
	name, err := os.ReadFile(procPath(pid, "wchan"))
	if err != nil || string(name) == "0" {
		return ""
	}
	return text.Clean(string(name))
}

// uptime is the time since the boot, by the clock of start times.
func uptime() time.Duration {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return 0
	}
	return time.Duration(now.Nano())
}
