package dataset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rein/steps/artifact"
	"rein/steps/internal/table"
)

// shown is the number of bad rows that a message lists.
const shown = 10

// problems counts the bad rows and keeps the first few for the message.
type problems struct {
	n     int
	first []string
}

func (p *problems) add(at table.Place, why string) {
	if p.n++; p.n <= shown {
		p.first = append(p.first, fmt.Sprintf("%s: %s", at, why))
	}
}

func (p *problems) String() string {
	s := "\n  " + strings.Join(p.first, "\n  ")
	if more := p.n - len(p.first); more > 0 {
		s += fmt.Sprintf("\n  and %d more", more)
	}
	return s
}

// sample says of which rows a count is, if not all were looked at.
func (r *reader) sample() string {
	if !r.more {
		return ""
	}
	return fmt.Sprintf(" (only the first %d of each file were read)", r.most)
}

// without says how to do without the bad rows, if all rows were looked at and few are bad: many bad ones have a reason of their own.
func (r *reader) without() string {
	if r.more || 10*r.bad.n > r.rows {
		return ""
	}
	return fmt.Sprintf("\n  to leave them out: max_bad = %d; with the strategies that rein ships: --var max_bad=%[1]d", r.bad.n)
}

// finish reports all that was found while reading. It fails if there are too many bad rows or no good ones.
func (r *reader) finish() error {
	env := r.env
	if r.bad.n > r.c.MaxBad {
		return fmt.Errorf("%s, max_bad allows %d%s:%s%s%s", counted(r.bad.n, "unusable row"), r.c.MaxBad, r.sample(), r.values.unknown(), &r.bad, r.without())
	}
	if r.bad.n > 0 {
		env.Notef("%s left out, max_bad allows %d%s:%s", counted(r.bad.n, "unusable row"), r.c.MaxBad, r.sample(), &r.bad)
	}
	filtered := 0
	for i, n := range r.dropped {
		filtered += n
		env.Notef("filter %d (%s) left out %d rows", i+1, r.tests[i].name, n)
	}
	if r.rows == 0 {
		return fmt.Errorf("no rows: %s, %s, %d left out by filters", counted(r.files, "file"), counted(r.bad.n, "unusable row"), filtered)
	}
	if r.repaired > 0 {
		env.Notef("%d rows held bytes that are no UTF-8, or half surrogate pairs; U+FFFD stands in their place", r.repaired)
	}
	if r.contradictions > 0 {
		env.Notef("%s %s the text of an earlier row with the other label, first %q: a model can't learn both", rowCount(r.contradictions), has(r.contradictions), clip(r.contradiction, 60))
	}
	if r.assistants > 0 {
		env.Notef(`%s %s a model's words and no prompts (role "assistant"): a filter block with column = "role" and not_in = ["assistant"] leaves them out`, rowCount(r.assistants), is(r.assistants))
	}
	if r.notNumbers > 0 {
		env.Notef("%s with NaN or Infinity: read as no value", rowCount(r.notNumbers))
	}
	for _, word := range slices.Sorted(maps.Keys(r.nothings)) {
		env.Notef("the whole text of %s is %q, as programs write that there is none: a filter leaves them out, filter { not_in = [%q] }", rowCount(r.nothings[word]), word, word)
	}
	if r.renumbered > 0 {
		env.Notef("%d rows had an id that an earlier row has (or the same text and no id): they got a number, as in %q", r.renumbered, "id#2")
	}
	if said := r.values.guessed(); said != "" {
		env.Notef("%s", said)
	}
	env.Metric("rows", float64(r.rows))
	env.Metric(artifact.Benign, float64(r.benign))
	env.Metric(artifact.Malicious, float64(r.rows-r.benign))
	env.Metric("bad_rows", float64(r.bad.n))
	env.Progress(int64(r.rows), int64(r.rows), "rows")
	return nil
}

// is returns "is" or "are" for a count.
func is(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func has(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}
