//go:build !linux

package process

import "errors"

func supported() error { return errors.New("run and up need Linux") }
