package steps

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Checks collects all that is wrong with a config, so that the user sees every problem at once. Each text has the form "ARGUMENT: ...": the
// language looks up the argument to show where in the file the problem is.
type Checks struct{ wrong []error }

// Want records a problem unless ok.
func (c *Checks) Want(ok bool, format string, args ...any) {
	if !ok {
		c.wrong = append(c.wrong, fmt.Errorf(format, args...))
	}
}

// Between records a problem unless low <= v <= high. NaN is in no range.
func (c *Checks) Between(arg string, v, low, high float64) {
	c.Want(v >= low && v <= high, "%s: %v is not between %v and %v", arg, v, low, high)
}

// Known records a problem unless name is in known.
func (c *Checks) Known(arg, name string, known []string) {
	if !slices.Contains(known, name) {
		c.wrong = append(c.wrong, &Unknown{Arg: arg, Name: name, Known: known})
	}
}

// Add records err unless it is nil.
func (c *Checks) Add(err error) {
	if err != nil {
		c.wrong = append(c.wrong, err)
	}
}

// Within records err, or each error joined in it, as a problem of an argument inside block.
func (c *Checks) Within(block string, err error) {
	for _, e := range Problems(err) {
		c.wrong = append(c.wrong, fmt.Errorf("%s.%w", block, e))
	}
}

// Problems returns the errors that err was joined from, or err alone if it isn't joined. It returns none if err is nil.
func Problems(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// Err returns all recorded problems, joined by errors.Join, or nil if there are none.
func (c *Checks) Err() error { return errors.Join(c.wrong...) }

// Unknown is the error of an argument whose value isn't one of the known names.
type Unknown struct {
	Arg, Name string
	Known     []string
}

func (u *Unknown) Error() string {
	return fmt.Sprintf("%s: there is no %q; there are %s", u.Arg, u.Name, strings.Join(u.Known, ", "))
}

// Listed returns list in the syntax of pipeline files: [0.4, 0.6], ["a", "b"].
func Listed[T any](list []T) string {
	parts := make([]string, len(list))
	for i, x := range list {
		if s, ok := any(x).(string); ok {
			parts[i] = strconv.Quote(s)
		} else {
			parts[i] = fmt.Sprint(x)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
