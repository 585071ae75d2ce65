package proc

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"topobench/internal/text"
)

// tick is what start times are counted in: USER_HZ, 100 a second wherever Go runs.
const tick = time.Second / 100

// Boot names this boot of the machine: no process has lived through another one.
func Boot() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("cannot name this boot of the machine: %w", err)
	}
	return strings.TrimSpace(string(id)), nil
}

// Numbers names the pid namespace of this process: in another one, as in a container,
// processes have other pids. "" where the kernel does not say.
func PIDNamespace() string {
	name, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return name
}

// Wchan names the function of the kernel in which a process waits, which tells a
// wedged driver from a slow disk; "" where it runs or the kernel does not say.
func Wchan(pid int) string {
	name, err := os.ReadFile(procPath(pid, "wchan"))
	if err != nil || string(name) == "0" {
		return ""
	}
	return text.Clean(string(name))
}

// uptime is the time since the boot, by the clock that start times are taken from.
func uptime() time.Duration {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return 0
	}
	return time.Duration(now.Nano())
}
