//go:build !linux

package host

import "errors"

func supported() error { return errors.New("run and up need Linux") }
