//go:build !linux

package artifacts

import "errors"

func spaceOf(string) (Space, error) { return Space{}, errors.ErrUnsupported }
