// Package diag says what is wrong with a pipeline file: in the words of the language (explain.go, show.go), with what was probably
// meant (suggest.go), as data for programs and editors (diag.go), and as text for people (render.go). It knows HCL's diagnostics and
// values, and nothing of how a file becomes a graph.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// Diagnostic is a diagnostic as `--json` gives it: Terraform's form, so that its readers read ours.
type Diagnostic struct {
	Severity string   `json:"severity"` // "error" or "warning"
	Summary  string   `json:"summary"`
	Detail   string   `json:"detail,omitempty"`
	Range    *Range   `json:"range,omitempty"`
	Snippet  *Snippet `json:"snippet,omitempty"`
	// Related are other places that belong to the problem, such as the first declaration or the other end of an edge.
	Related []Related `json:"related,omitempty"`
	// Fix is the change that was probably meant.
	Fix *Edit `json:"fix,omitempty"`
}

// Edit replaces the text of a range.
type Edit struct {
	Range Range  `json:"range"`
	Text  string `json:"text"`
}

// Related is another place that a diagnostic is about.
type Related struct {
	Message string   `json:"message"`
	Range   Range    `json:"range"`
	Snippet *Snippet `json:"snippet,omitempty"`
}

// more is what our diagnostics have besides hcl's fields.
type more struct {
	places []placeOfDiag
	fix    Suggestion
}

type placeOfDiag struct {
	message string
	rng     hcl.Range
}

// Also adds another place to a diagnostic, unless that is its subject.
func Also(d *hcl.Diagnostic, rng hcl.Range, format string, args ...any) *hcl.Diagnostic {
	if d.Subject != nil && d.Subject.Filename == rng.Filename && d.Subject.Start.Line == rng.Start.Line {
		return d
	}
	m, _ := d.Extra.(more)
	m.places = append(m.places, placeOfDiag{fmt.Sprintf(format, args...), rng})
	d.Extra = m
	return d
}

// Say sets the detail of a diagnostic, and keeps the suggestion among its arguments.
func Say(d *hcl.Diagnostic, format string, args ...any) *hcl.Diagnostic {
	d.Detail = fmt.Sprintf(format, args...)
	for _, a := range args {
		if s, ok := a.(Suggestion); ok && s.Name != "" {
			m, _ := d.Extra.(more)
			m.fix = s
			d.Extra = m
		}
	}
	return d
}

// fixOf finds the mistaken name in the text that a diagnostic is about; nil if nothing was suggested or the name isn't there.
func fixOf(f *hcl.File, d *hcl.Diagnostic) *Edit {
	m, _ := d.Extra.(more)
	if f == nil || d.Subject == nil || m.fix.Name == "" || !d.Subject.CanSliceBytes(f.Bytes) {
		return nil
	}
	text := string(d.Subject.SliceBytes(f.Bytes))
	i := strings.LastIndex(text, m.fix.Given)
	if i < 0 {
		return nil
	}
	r := *d.Subject
	r.Start.Byte += i
	r.End.Byte = r.Start.Byte + len(m.fix.Given)
	if before := text[:i]; !strings.Contains(before, "\n") {
		r.Start.Column += len([]rune(before))
		r.End.Line, r.End.Column = r.Start.Line, r.Start.Column+len([]rune(m.fix.Given))
	}
	return &Edit{RangeOf(r), m.fix.Name}
}

// Range is a place in a file; End is just behind it.
type Range struct {
	Filename string `json:"filename"`
	Start    Pos    `json:"start"`
	End      Pos    `json:"end"`
}

// RangeOf is hcl's range as ours.
func RangeOf(r hcl.Range) Range { return Range{r.Filename, pos(r.Start), pos(r.End)} }

// Has tells whether a place in a file lies within the range or at its edge.
func (r Range) Has(file string, offset int) bool {
	return r.Filename == file && r.Start.Byte <= offset && offset <= r.End.Byte
}

// Pos counts lines and columns from 1, columns in characters as people see them, and bytes from 0.
type Pos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// Snippet is the text that a diagnostic is about.
type Snippet struct {
	Context              string  `json:"context,omitempty"` // the block it is in: `step "augment" "attacks"`
	Code                 string  `json:"code"`              // whole lines
	StartLine            int     `json:"start_line"`
	HighlightStartOffset int     `json:"highlight_start_offset"` // bytes in Code
	HighlightEndOffset   int     `json:"highlight_end_offset"`
	Values               []Value `json:"values,omitempty"`
}

// Value is what a reference in the failing expression stands for.
type Value struct {
	Traversal string `json:"traversal"`
	Statement string `json:"statement"` // `is 8`
}

// Describe converts diagnostics to their form for programs. sources may be nil: there are no snippets then.
func Describe(sources map[string]*hcl.File, diags hcl.Diagnostics) []Diagnostic {
	out := make([]Diagnostic, 0, len(diags))
	for _, d := range diags {
		x := Diagnostic{Severity: "error", Summary: clipped(d.Summary, maxDetail), Detail: clipped(d.Detail, maxDetail)}
		if d.Severity == hcl.DiagWarning {
			x.Severity = "warning"
		}
		if d.Subject != nil {
			x.Range = &Range{d.Subject.Filename, pos(d.Subject.Start), pos(d.Subject.End)}
			x.Snippet = snippet(sources[d.Subject.Filename], *d.Subject)
		}
		if values := valuesIn(d); len(values) > 0 {
			if x.Snippet == nil {
				x.Snippet = &Snippet{}
			}
			x.Snippet.Values = values
		}
		if d.Subject != nil {
			x.Fix = fixOf(sources[d.Subject.Filename], d)
		}
		m, _ := d.Extra.(more)
		for _, p := range m.places {
			x.Related = append(x.Related, Related{p.message, RangeOf(p.rng), snippet(sources[p.rng.Filename], p.rng)})
		}
		out = append(out, x)
	}
	return out
}

func pos(p hcl.Pos) Pos { return Pos{p.Line, p.Column, p.Byte} }

// maxCode and maxDetail are the greatest lengths of a snippet and a message, in bytes. A value or a line in them may have any length.
const (
	maxCode   = 2000
	maxDetail = 8000
	// maxContext is the greatest length of the name of the surrounding block.
	maxContext = 400
)

// clipped shortens a message to its beginning and its end.
func clipped(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most / 4
	return strings.ToValidUTF8(s[:most-end], "") + fmt.Sprintf(" ... (%d more bytes) ... ", len(s)-most) + strings.ToValidUTF8(s[len(s)-end:], "")
}

// snippet cuts the lines of a range out of its file; nil if the file doesn't have them.
func snippet(f *hcl.File, r hcl.Range) *Snippet {
	if f == nil || r.Start.Byte < 0 || r.Start.Byte > len(f.Bytes) || r.End.Byte < r.Start.Byte {
		return nil
	}
	end := min(r.End.Byte, len(f.Bytes))
	from := strings.LastIndexByte(string(f.Bytes[:r.Start.Byte]), '\n') + 1
	to := len(f.Bytes)
	if end > r.Start.Byte && f.Bytes[end-1] == '\n' {
		end-- // a range that ends at a line's end doesn't include the next line
	}
	if n := strings.IndexByte(string(f.Bytes[end:]), '\n'); n >= 0 {
		to = end + n
	}
	if to-from > maxCode { // of a line too long for a person to have written, only the part in question
		from = max(from, r.Start.Byte-maxCode/4)
		to = min(to, from+maxCode)
		for from < r.Start.Byte && !utf8.RuneStart(f.Bytes[from]) {
			from++
		}
		for to > from && to < len(f.Bytes) && !utf8.RuneStart(f.Bytes[to]) {
			to--
		}
	}
	s := &Snippet{Code: strings.TrimSuffix(string(f.Bytes[from:to]), "\r"), StartLine: r.Start.Line,
		HighlightStartOffset: r.Start.Byte - from, HighlightEndOffset: max(end, r.Start.Byte) - from}
	s.HighlightStartOffset = min(s.HighlightStartOffset, len(s.Code))
	s.HighlightEndOffset = min(s.HighlightEndOffset, len(s.Code))
	if nav, ok := f.Nav.(interface{ ContextString(int) string }); ok {
		s.Context = clipped(nav.ContextString(r.Start.Byte), maxContext)
	}
	return s
}

// valuesIn lists the references in a diagnostic's expression with their values, each once, in order of writing.
func valuesIn(d *hcl.Diagnostic) []Value {
	if d.Expression == nil || d.EvalContext == nil {
		return nil
	}
	var out []Value
	for _, t := range d.Expression.Variables() {
		v, diags := t.TraverseAbs(d.EvalContext)
		if diags.HasErrors() {
			v, t = shortened(t, d.EvalContext)
		}
		if t == nil || t.RootName() == "step" || IsStep(v) {
			continue // a step's output has no value before the step has run
		}
		x := Value{traversalText(t), "is " + Show(v)}
		if !v.IsKnown() {
			continue
		}
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b Value) int { return cmp.Compare(a.Traversal, b.Traversal) })
	return out
}

// traversalText is a reference as it is written.
func traversalText(t hcl.Traversal) string {
	var b strings.Builder
	for _, s := range t {
		switch s := s.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + s.Name)
		case hcl.TraverseIndex:
			b.WriteString("[" + Show(s.Key) + "]")
		}
	}
	return b.String()
}

// Tidy removes repetitions, since a file that several pipelines extend is evaluated with each of them. It sorts the diagnostics of each
// file by place. Files stay in the order of their first diagnostic.
func Tidy(diags hcl.Diagnostics) hcl.Diagnostics {
	type key struct{ at, summary, detail string }
	seen := map[key]bool{}
	files := map[string]int{}
	var out hcl.Diagnostics
	for _, d := range diags {
		k := key{summary: d.Summary, detail: d.Detail}
		if d.Subject != nil {
			k.at = d.Subject.String()
			if _, ok := files[d.Subject.Filename]; !ok {
				files[d.Subject.Filename] = len(files) + 1
			}
		}
		if !seen[k] {
			seen[k] = true
			out = append(out, d)
		}
	}
	at := func(d *hcl.Diagnostic) (file, place int) {
		if d.Subject == nil {
			return 0, 0
		}
		return files[d.Subject.Filename], d.Subject.Start.Byte
	}
	slices.SortStableFunc(out, func(a, b *hcl.Diagnostic) int {
		af, ap := at(a)
		bf, bp := at(b)
		return cmp.Or(cmp.Compare(af, bf), cmp.Compare(ap, bp))
	})
	return out
}
