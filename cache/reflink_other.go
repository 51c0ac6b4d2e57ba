//go:build !linux

package cache

import (
	"errors"
	"os"
)

// reflink is not to be had here: the caller copies.
func reflink(_, _ *os.File) error { return errors.ErrUnsupported }
