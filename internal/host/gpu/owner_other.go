//go:build !linux

package gpu

import (
	"errors"
	"fmt"
)

// Owned needs Linux.
func (s State) Owned() (State, error) {
	return s, fmt.Errorf("cannot look at processes: this needs Linux: %w", errors.ErrUnsupported)
}
