package engine

import "errors"

// advised is an error with what its reader can do about it.
type advised struct {
	err          error
	text, advice string
}

func (a *advised) Error() string { return a.text }
func (a *advised) Unwrap() error { return a.err }

// Advise says beside an error, or a verdict, what its reader can do about it: on a line of its own behind the text.
func Advise(err error, advice string) error {
	return &advised{err, err.Error() + "\n  what to do: " + advice, advice}
}

// AdviceOf is what the reader of an error can do about it; "": nobody has said.
func AdviceOf(err error) string {
	var a *advised
	if errors.As(err, &a) {
		return a.advice
	}
	return ""
}
