//go:build !linux

package gpu

import (
	"errors"
	"fmt"
)

// Owners needs Linux.
func Owners() (Lookup, error) {
	return nil, fmt.Errorf("cannot look at processes: this needs Linux: %w", errors.ErrUnsupported)
}
