package render

import (
	"strings"
	"testing"

	"rein/pipelines/compare"
)

func TestMarkdown(t *testing.T) {
	r := four(t)
	r.Strategies[2].Title = "a|b <script> *c*"
	r.Strategies[2].Concerns = append(r.Strategies[2].Concerns, compare.Unreadable{Error: "a | b <i>"})
	var b strings.Builder
	if err := Markdown(&b, r, Options{}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"## Recommended: ★ Strategy cheap", "| **Own traffic** |", "<sub>exp 3.14%</sub>", "<details><summary>Paired tests</summary>", `a \| b &lt;i&gt;`, "- What to keep in mind of it:\n  - ", "| &emsp;against baseline |"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	columns := 0
	for _, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		n := strings.Count(line, "|") - strings.Count(line, `\|`)
		if columns == 0 {
			columns = n
		}
		if n != columns {
			t.Errorf("%d cells, want %d: %s", n-1, columns-1, line)
		}
	}
}
