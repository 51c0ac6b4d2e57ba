package engine

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

// What can be done about an error comes out of the process that executed the step as it went in, and so does a verdict.
func TestAdviceComesBackFromAnOrder(t *testing.T) {
	for _, c := range []struct {
		err          error
		text, advice string
		verdict      bool
	}{
		{errors.New("disk full"), "disk full", "", false},
		{fmt.Errorf("rows: %w", Advise(errors.New("not UTF-8"), "convert it")), "rows: not UTF-8\n  what to do: convert it", "convert it", false},
		{Advise(&Verdict{"leakage: 3 rows"}, "remove them"), "leakage: 3 rows\n  what to do: remove them", "remove them", true},
		{&Verdict{"leakage: 3 rows"}, "leakage: 3 rows", "", true},
	} {
		order := filepath.Join(t.TempDir(), "order")
		if err := writeResult(order, c.err, Usage{}); err != nil {
			t.Fatal(err)
		}
		got, ok := readResult(order)
		if !ok || got.Error() != c.text || AdviceOf(got) != c.advice || isVerdict(got) != c.verdict {
			t.Errorf("%v: %q, advice %q", c.err, got, AdviceOf(got))
		}
	}
}
