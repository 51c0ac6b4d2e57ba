package render

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// Rows are found by what the matrix calls them, by their key and by their section.
func TestSelectFindsRowsByName(t *testing.T) {
	for word, want := range map[string]string{"recall": "own_tp_rate", "Recall, Own": "own_tp_rate", "tp_rate": "new_tp_rate", "timeline": "total_time", "time to make": "total_time",
		"tpr": "own_tp_rate", "FP rate": "own_fp_rate"} {
		m := result{four(t)}.matrix()
		if err := m.Select([]string{word}); err != nil {
			t.Error(err)
		}
		if len(m.Rows) == 0 || !slices.ContainsFunc(m.Rows, func(r Row) bool { return r.Key == want }) {
			t.Errorf("%q gives %d rows, none of them %s", word, len(m.Rows), want)
		}
	}
}

// What the matrix doesn't have is an error that names what it has: a table without rows would be no answer.
func TestSelectRefusesWhatIsNotThere(t *testing.T) {
	m := result{four(t)}.matrix()
	var wrong *OptionError
	if err := m.Select([]string{"fp_rate", "foo"}); !errors.As(err, &wrong) || !strings.Contains(err.Error(), `"foo"`) || !strings.Contains(err.Error(), "tp_rate") {
		t.Errorf("%v", err)
	}
	if err := m.Sort("foo"); !errors.As(err, &wrong) {
		t.Errorf("%v", err)
	}
}
