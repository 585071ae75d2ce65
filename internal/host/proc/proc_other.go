//go:build !linux

package proc

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

const tick = time.Second / 100

func unsupported() error {
	return fmt.Errorf("cannot look at processes: this needs Linux: %w", errors.ErrUnsupported)
}

// Read needs Linux.
func Read(int) (Proc, error) { return Proc{}, unsupported() }

// Snapshot needs Linux.
func Snapshot() ([]Proc, error) { return nil, unsupported() }

// Signal needs Linux.
func Signal(Proc, syscall.Signal) error { return unsupported() }

// SignalGroup needs Linux.
func SignalGroup(Proc, syscall.Signal) error { return unsupported() }

// Children needs Linux.
func Children() []int { return nil }

// Childless needs Linux.
func Childless() bool { return false }

// Reap needs Linux.
func Reap(int) (status syscall.WaitStatus, reaped bool) { return 0, false }

// SetSubreaper needs Linux.
func SetSubreaper() error { return unsupported() }

// Cmdline needs Linux.
func Cmdline(int) ([]string, error) { return nil, unsupported() }

// Environ needs Linux.
func Environ(int) ([]string, error) { return nil, unsupported() }

// Boot needs Linux.
func Boot() (string, error) { return "", unsupported() }

// PIDNamespace needs Linux.
func PIDNamespace() string { return "" }

// Wchan needs Linux.
func Wchan(int) string { return "" }

// UID needs Linux.
func UID(int) (int, error) { return 0, unsupported() }

// Files needs Linux.
func Files(Proc) []string { return nil }

// Holders needs Linux.
func Holders([]Proc, string) map[string][]Proc { return nil }

func uptime() time.Duration                        { return 0 }
func maySignal(int) bool                           { return false }
func hasCookie(Proc, string) bool                  { return false }
func writesBelow(Proc, []string) bool              { return false }
func writable(Proc, string) bool                   { return false }
func eachFD(Proc, func(fd, path string) bool) bool { return false }

// Limit needs Linux.
func Limit(int) CPULimit { return CPULimit{} }
