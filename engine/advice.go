package engine

import "errors"

// advised is an error with advice on what the reader can do about it.
type advised struct {
	err          error
	text, advice string
}

func (a *advised) Error() string { return a.text }
func (a *advised) Unwrap() error { return a.err }

// Advise adds advice to an error or a verdict: what the reader can do about it. It is printed on a line of its own behind the text.
func Advise(err error, advice string) error {
	return &advised{err, err.Error() + "\n  what to do: " + advice, advice}
}

// AdviceOf is the advice that was added to an error, or "".
func AdviceOf(err error) string {
	var a *advised
	if errors.As(err, &a) {
		return a.advice
	}
	return ""
}
