//go:build !linux

package artifacts

import "fmt"

func platformChild(mode, _ string) error { return fmt.Errorf("no such role: %s", mode) }
