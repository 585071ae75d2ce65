//go:build !linux

package rundir

import "errors"

func spaceOf(string) (Space, error) { return Space{}, errors.ErrUnsupported }
