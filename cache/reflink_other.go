//go:build !linux

package cache

import (
	"errors"
	"os"
)

// reflink isn't available here: the caller copies.
func reflink(_, _ *os.File) error { return errors.ErrUnsupported }
