//go:build !linux

package proctree

import (
	"errors"
	"fmt"
	"syscall"
)

func unsupported() error {
	return fmt.Errorf("cannot look at processes: this needs Linux: %w", errors.ErrUnsupported)
}

// Read needs Linux.
func Read(int) (Proc, error) { return Proc{}, unsupported() }

// Snapshot needs Linux.
func Snapshot() ([]Proc, error) { return nil, unsupported() }

// Signal needs Linux.
func Signal(Proc, syscall.Signal) error { return unsupported() }

// Children needs Linux.
func Children() []int { return nil }

// Childless needs Linux.
func Childless() bool { return false }

// Reap needs Linux.
func Reap(int) (status syscall.WaitStatus, reaped bool) { return 0, false }

// Adopt needs Linux.
func Adopt() error { return unsupported() }

// Cmdline needs Linux.
func Cmdline(int) ([]string, error) { return nil, unsupported() }

// Environ needs Linux.
func Environ(int) ([]string, error) { return nil, unsupported() }
