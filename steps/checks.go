package steps

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Checks gathers what is wrong with a config, so that all of it is told at once. Each text begins with the argument that it is
// about, "ARGUMENT: ...", which is how the language finds the place.
type Checks struct{ wrong []error }

// Want notes a text unless ok.
func (c *Checks) Want(ok bool, format string, args ...any) {
	if !ok {
		c.wrong = append(c.wrong, fmt.Errorf(format, args...))
	}
}

// Between wants a value from low to high. NaN is in no range.
func (c *Checks) Between(arg string, v, low, high float64) {
	c.Want(v >= low && v <= high, "%s: %v is not between %v and %v", arg, v, low, high)
}

// Known wants a name to be one of those that there are.
func (c *Checks) Known(arg, name string, known []string) {
	if !slices.Contains(known, name) {
		c.wrong = append(c.wrong, &Unknown{Arg: arg, Name: name, Known: known})
	}
}

// Add notes an error, if it is one.
func (c *Checks) Add(err error) {
	if err != nil {
		c.wrong = append(c.wrong, err)
	}
}

// Within notes an error, or each of several, as about what stands in a block.
func (c *Checks) Within(block string, err error) {
	for _, e := range Problems(err) {
		c.wrong = append(c.wrong, fmt.Errorf("%s.%w", block, e))
	}
}

// Problems are the errors that one was joined of, or it alone; none of nil.
func Problems(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// Err is all that was noted, as errors.Join has it; nil where nothing is wrong.
func (c *Checks) Err() error { return errors.Join(c.wrong...) }

// Unknown says that an argument names what there isn't.
type Unknown struct {
	Arg, Name string
	Known     []string
}

func (u *Unknown) Error() string {
	return fmt.Sprintf("%s: there is no %q; there are %s", u.Arg, u.Name, strings.Join(u.Known, ", "))
}

// Listed writes a list as pipeline files do: [0.4, 0.6], ["a", "b"].
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
