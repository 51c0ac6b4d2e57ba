package render

import (
	"slices"
	"testing"
)

// Rows are found by what the matrix calls them, by their key and by their section.
func TestSelectFindsRowsByName(t *testing.T) {
	for word, want := range map[string]string{"recall": "tp_rate", "Recall, Unseen": "unseen_tp_rate", "tp_rate": "tp_rate", "timeline": "total_time", "critical path": "total_time"} {
		m := result{four(t)}.matrix()
		m.Select([]string{word})
		if len(m.Rows) == 0 || !slices.ContainsFunc(m.Rows, func(r Row) bool { return r.Key == want }) {
			t.Errorf("%q gives %d rows, none of them %s", word, len(m.Rows), want)
		}
	}
}
