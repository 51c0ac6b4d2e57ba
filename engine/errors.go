package engine

import (
	"errors"
	"fmt"
)

// ConfigError is a mistake in the request, such as a cycle, a missing input file, or an unknown step to force. Nothing has run (exit status
// 2).
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *ConfigError) Unwrap() error { return e.Err }

func configErrorf(format string, args ...any) error {
	return &ConfigError{fmt.Errorf(format, args...)}
}

// isVerdict tells a verdict from a fault.
func isVerdict(err error) bool {
	var v *Verdict
	return errors.As(err, &v)
}
