package diff

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"rein/pipelines/compare"
)

// JSON writes the difference for machines.
func JSON(w io.Writer, r *Result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// Text writes the difference for people, level by level.
func Text(w io.Writer, r *Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s → %s\n", r.A, r.B)
	r.writeConfig(&b)
	r.writeRerun(&b)
	r.writeData(&b)
	r.writeResults(&b)
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\nnote: %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Result) writeConfig(b *strings.Builder) {
	b.WriteString("\nConfiguration\n")
	if len(r.Config) == 0 {
		b.WriteString("  the same, whatever the files look like\n")
	}
	for _, c := range r.Config {
		switch {
		case c.A == "":
			fmt.Fprintf(b, "  + %s = %s", c.Path, oneLine(c.B))
		case c.B == "":
			fmt.Fprintf(b, "  - %s = %s", c.Path, oneLine(c.A))
		default:
			fmt.Fprintf(b, "  ~ %s: %s → %s", c.Path, oneLine(c.A), oneLine(c.B))
		}
		if c.From != "" {
			fmt.Fprintf(b, "  (%s)", c.From)
		}
		b.WriteString("\n")
	}
}

func (r *Result) writeRerun(b *strings.Builder) {
	if r.Rerun == nil {
		return
	}
	if len(r.Rerun) == 0 {
		b.WriteString("\nNothing has to run again.\n")
		return
	}
	var total int64
	known := true
	b.WriteString("\nRuns again\n")
	for _, s := range r.Rerun {
		fmt.Fprintf(b, "  %s", s.Step)
		if s.MS > 0 {
			fmt.Fprintf(b, ", about %s", duration(s.MS))
		} else {
			known = false
		}
		if len(s.Reasons) > 0 {
			fmt.Fprintf(b, ": %s", oneLine(strings.Join(s.Reasons, "; ")))
		}
		b.WriteString("\n")
		total += s.MS
	}
	switch {
	case known:
		fmt.Fprintf(b, "  together about %s\n", duration(total))
	case total > 0:
		fmt.Fprintf(b, "  together about %s, and what has never run\n", duration(total))
	}
}

func duration(ms int64) string {
	switch d := time.Duration(ms) * time.Millisecond; {
	case d < time.Second:
		return fmt.Sprintf("%d ms", ms)
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
}

func (r *Result) writeData(b *strings.Builder) {
	if len(r.Data) == 0 {
		return
	}
	b.WriteString("\nData\n")
	for _, d := range r.Data {
		fmt.Fprintf(b, "  %s: %d → %d rows; %d added, %d removed, %d changed\n", d.Output, d.RowsA, d.RowsB, d.Added, d.Removed, d.Changed)
		for _, by := range slices.Sorted(maps.Keys(d.Shifts)) {
			var parts []string
			for _, v := range slices.Sorted(maps.Keys(d.Shifts[by])) {
				n := d.Shifts[by][v]
				parts = append(parts, fmt.Sprintf("%s %d → %d (%s → %s)", v, n[0], n[1], share(n[0], d.RowsA), share(n[1], d.RowsB)))
			}
			fmt.Fprintf(b, "    %s: %s\n", by, strings.Join(parts, ", "))
		}
		for _, e := range d.Example {
			fmt.Fprintf(b, "    %s %s: %s\n", map[string]string{"added": "+", "removed": "-", "changed": "~"}[e.What], e.ID, oneLine(e.Text))
		}
	}
}

func share(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(of))
}

func (r *Result) writeResults(b *strings.Builder) {
	if len(r.Metrics) == 0 && len(r.Tests) == 0 {
		return
	}
	b.WriteString("\nResults\n")
	tests := map[string]string{}
	for _, x := range r.Tests {
		tests[x.Metric] = x.Words()
	}
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  figure\t%s\t%s\t\n", r.A, r.B)
	same, onlyA, onlyB := 0, 0, 0
	shown := slices.Clone(r.Metrics)
	slices.SortStableFunc(shown, func(a, b Metric) int { // what a test says something of comes first
		return cmp.Compare(min(len(tests[b.Name]), 1), min(len(tests[a.Name]), 1))
	})
	for _, m := range shown {
		before, after := format(m.Name, m.A), format(m.Name, m.B)
		switch {
		case m.B == nil:
			onlyA++
		case m.A == nil:
			onlyB++
		case before == after && tests[m.Name] == "":
			same++
			continue
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", compare.Label(m.Name), before, after, tests[m.Name])
	}
	_ = t.Flush() // a builder never fails
	switch {
	case onlyA > 0 && onlyA+same == len(r.Metrics):
		fmt.Fprintf(b, "  %s has none yet: run it to compare them\n", r.B)
	case onlyB > 0 && onlyB+same == len(r.Metrics):
		fmt.Fprintf(b, "  %s has none yet: run it to compare them\n", r.A)
	default:
		for line := range strings.Lines(table.String()) {
			b.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
		if same > 0 {
			fmt.Fprintf(b, "  and %d figures that are the same\n", same)
		}
	}
	if r.Flips == nil {
		return
	}
	f := r.Flips
	for _, k := range []struct {
		title string
		n     int
		rows  []compare.Flip
	}{{"false alarms that are gone", f.Counts[0], f.Fixed}, {"new false alarms", f.Counts[1], f.New}, {"attacks missed now", f.Counts[2], f.Missed}, {"attacks caught now", f.Counts[3], f.Caught}} {
		if k.n == 0 {
			continue
		}
		fmt.Fprintf(b, "  %s: %d\n", k.title, k.n)
		for _, row := range k.rows {
			fmt.Fprintf(b, "    %.3f → %.3f  %s\n", row.Before, row.Score, oneLine(row.Text))
			if words := row.CauseWords(); words != "" {
				fmt.Fprintf(b, "                   odds of an attack without %s\n", words)
			}
		}
	}
}

func format(name string, f *compare.Figure) string {
	if f == nil {
		return "–"
	}
	return compare.Format(name, *f)
}

// oneLine keeps a text on one line and short.
func oneLine(s string) string {
	const most = 140
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > most {
		return string(r[:most]) + " …"
	}
	return string(r)
}
