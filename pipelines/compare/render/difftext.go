package render

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"rein/pipelines/compare/diff"
	"rein/pipelines/human"
)

// diffText writes a difference for people, level by level: the cause first, then what it re-runs, what it did to the rows, and
// to the results.
type diffText struct {
	*diff.Result
	table   *human.Table
	paint   human.Palette
	details bool
}

// Diff writes a difference for a terminal.
func Diff(w io.Writer, r *diff.Result, o Options) error {
	d := &diffText{r, &human.Table{Width: o.Width}, human.NewPalette(o.Color), !o.Brief}
	d.write()
	return d.table.Write(w)
}

func (d *diffText) write() {
	d.table.Line(d.paint.Bold, d.A+" → "+d.B)
	d.config()
	d.rerun()
	for i, data := range d.Data {
		if i == 0 {
			d.title("Data")
		}
		d.rows(data)
	}
	d.figures()
	d.flips()
	for i, n := range d.Notes {
		if i == 0 {
			d.table.Line(nil, "")
		}
		d.table.Line(nil, "note: "+sentence(n))
	}
}

func (d *diffText) title(text string) {
	d.table.Line(nil, "")
	d.table.Line(d.paint.Bold, text)
	d.table.Cut() // each level has columns of its own
}

// config lists what the files say first, then what only follows from that.
func (d *diffText) config() {
	d.title("Configuration")
	if len(d.Config) == 0 {
		d.table.Line(nil, "  the same, whatever the files look like")
		return
	}
	changes := d.foldedSteps()
	for _, c := range changes {
		if !c.Follows {
			d.change(c, 140)
		}
	}
	for i, c := range slices.DeleteFunc(changes, func(c diff.Change) bool { return !c.Follows }) {
		if i == 0 {
			d.table.Line(d.paint.Dim, "  what follows from these:")
		}
		c.From = ""
		d.change(c, 60)
	}
}

// foldedSteps are the changes with variables and steps first, and a step that is there on one side only as one.
func (d *diffText) foldedSteps() []diff.Change {
	var out []diff.Change
	whole := "\x00"
	arguments := 0
	for _, c := range d.Config {
		if strings.HasPrefix(c.Path, whole+" ") {
			if arguments++; c.A == "" {
				out[len(out)-1].B = "with " + human.Many(arguments, "argument")
			} else {
				out[len(out)-1].A = "with " + human.Many(arguments, "argument")
			}
			continue
		}
		whole = "\x00"
		if c.A == "" && c.B == diff.There || c.B == "" && c.A == diff.There {
			whole, arguments = c.Path, 0
		}
		out = append(out, c)
	}
	order := []string{"variable", "step", "output", "compare", "expect", "plan"}
	rank := func(c diff.Change) int {
		kind, _, _ := strings.Cut(c.Path, " ")
		return slices.Index(order, kind)
	}
	slices.SortStableFunc(out, func(a, b diff.Change) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

func (d *diffText) change(c diff.Change, most int) {
	before, after := fromDifference(c.A, c.B, most)
	word, what := "changed", before+" → "+after
	switch {
	case c.A == "":
		word, what = "added", oneLine(c.B, most)
	case c.B == "":
		word, what = "removed", oneLine(c.A, most)
	}
	if c.From != "" {
		what += "  (" + c.From + ")"
	}
	d.table.Row("  "+word, c.Path, what)
}

// fromDifference shortens two values; where that would hide what differs, it leaves out words that both begin with.
func fromDifference(a, b string, most int) (before, after string) {
	x, y := []rune(oneLine(a, math.MaxInt)), []rune(oneLine(b, math.MaxInt))
	common, words := 0, 0
	for common < min(len(x), len(y)) && x[common] == y[common] {
		if common++; x[common-1] == ' ' {
			words = common
		}
	}
	if common < most/2 || max(len(x), len(y)) <= most || words == 0 {
		return oneLine(a, most), oneLine(b, most)
	}
	return "…" + oneLine(string(x[words:]), most), "…" + oneLine(string(y[words:]), most)
}

func (d *diffText) rerun() {
	if d.Rerun == nil {
		return
	}
	if len(d.Rerun) == 0 {
		d.title("Nothing runs again: all that " + d.B + " makes is in the cache")
		return
	}
	var total int64
	known := true
	d.title("Runs again")
	for _, s := range d.Rerun {
		about := ""
		if s.MS > 0 {
			about = "about " + human.Duration(time.Duration(s.MS)*time.Millisecond)
		} else {
			known = false
		}
		d.table.Row("  "+s.Step, about, oneLine(strings.Join(s.Reasons, "; "), 140))
		total += s.MS
	}
	together := "  together about " + human.Duration(time.Duration(total)*time.Millisecond)
	switch {
	case known:
		d.table.Line(nil, together)
	case total > 0:
		d.table.Line(nil, together+", and what has never run")
	}
}

// rows says what became of an output's rows, and of whose share most.
func (d *diffText) rows(data diff.Data) {
	head := fmt.Sprintf("  %s  %s → %s rows", data.Output, human.Count(int64(data.RowsA)), human.Count(int64(data.RowsB)))
	for _, n := range []struct {
		rows int
		word string
	}{{data.Added, "added"}, {data.Removed, "removed"}, {data.Changed, "changed"}} {
		if n.rows > 0 {
			head += fmt.Sprintf(", %s %s", human.Count(int64(n.rows)), n.word)
		}
	}
	d.table.Line(nil, head)
	for _, by := range slices.Sorted(maps.Keys(data.Shifts)) {
		if moved := d.moved(data, data.Shifts[by]); moved != "" {
			d.table.Row("    "+by, moved)
		}
	}
	for _, e := range data.Example {
		d.table.Row("    "+e.What, d.cut(e.Text, 15))
	}
}

// moved lists the values whose share of the rows moved most.
func (d *diffText) moved(data diff.Data, s diff.Shift) string {
	type share struct {
		name          string
		before, after float64
	}
	var shares []share
	for name, n := range s {
		x := share{name, hundredths(n[0], data.RowsA), hundredths(n[1], data.RowsB)}
		if oneDigit(x.before) != oneDigit(x.after) {
			shares = append(shares, x)
		}
	}
	slices.SortFunc(shares, func(a, b share) int {
		return cmp.Or(cmp.Compare(math.Abs(b.after-b.before), math.Abs(a.after-a.before)), cmp.Compare(a.name, b.name))
	})
	const most = 4
	var parts []string
	for i, x := range shares {
		if i == most && !d.details && len(shares) > most+1 {
			parts = append(parts, fmt.Sprintf("%d that moved less", len(shares)-most))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %s → %s", x.name, oneDigit(x.before), oneDigit(x.after)))
	}
	return strings.Join(parts, ", ")
}

func hundredths(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }

func oneDigit(percent float64) string { return fmt.Sprintf("%.1f%%", percent) }

// held is a score and the threshold that it was held against, with as many decimals as tell them apart.
func held(score, threshold float64) string {
	sign := "<"
	if score >= threshold {
		sign = "≥"
	}
	for decimals := 3; ; decimals++ {
		a, b := strconv.FormatFloat(score, 'f', decimals, 64), strconv.FormatFloat(threshold, 'f', decimals, 64)
		if a != b || score == threshold || decimals == 17 {
			return a + " " + sign + " " + b
		}
	}
}

// cut keeps a row's text on one line of the terminal behind a column.
func (d *diffText) cut(s string, column int) string {
	if d.table.Width == 0 {
		return oneLine(s, 140)
	}
	return runewidth.Truncate(oneLine(s, 1000), max(d.table.Width-column, 24), "…")
}

// oneLine keeps a text on one line and short.
func oneLine(s string, most int) string {
	r := []rune(human.Safe(strings.Join(strings.Fields(s), " ")))
	if len(r) > most {
		return string(r[:most]) + "…"
	}
	return string(r)
}
