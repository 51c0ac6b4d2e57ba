package table

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// delimited reads CSV or TSV. It doesn't use encoding/csv: after a stray quote, that package reads all rows up to the next quote as one,
// and doesn't say that they are lost. Here such a record is a bad one, and reading goes on with the next line.
type delimited struct {
	lines  lineReader
	name   string
	comma  byte
	lazy   bool // a quote may be a plain character, as in most TSV files
	names  []string
	shapes []shape
}

// scanDelimited reads CSV or TSV with a header.
func scanDelimited(r *bufio.Reader, name string, format Format, yield yielder) error {
	head, _ := r.Peek(sniff)
	if header, _, _ := bytes.Cut(head, []byte("\n")); loneReturn(header) {
		return returnsAlone(name)
	}
	d := &delimited{lines: lineReader{r: r}, name: name}
	if d.comma = declaredSeparator(head); d.comma != 0 {
		if _, err := d.lines.next(); err != nil {
			return fmt.Errorf("%s:1: %w", name, err)
		}
		_, head, _ = bytes.Cut(head, []byte("\n"))
	} else {
		d.comma = separator(head, format)
	}
	d.lazy = d.comma == '\t'
	header, _, bad, err := d.read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err = errors.Join(err, bad); err != nil {
		return fmt.Errorf("%s: header: %w", name, err)
	}
	if d.names, err = columns(header); err != nil {
		return fmt.Errorf("%s:%d: %w", name, d.lines.n, err)
	}
	d.shapes = make([]shape, len(d.names))
	d.learnFirst(head)
	for {
		fields, line, bad, err := d.read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, d.lines.n+1, err)
		}
		at := Place{File: name, Line: line}
		if bad != nil {
			if !yield(Record{}, &BadRecord{at, bad}) {
				return errStop
			}
			continue
		}
		rec := Record{Place: at, Names: d.names, Values: make(map[string]any, len(d.names))}
		for i, f := range fields {
			rec.Values[d.names[i]] = rec.line(d.names[i], f)
		}
		if !yield(rec, nil) {
			return errStop
		}
	}
}

// read returns the next record and the number of its first line. bad says why the record can't be used; err ends the file.
func (d *delimited) read() (fields []string, line int64, bad, err error) {
	var first []byte
	for len(first) == 0 {
		if first, err = d.lines.next(); err != nil {
			return nil, 0, nil, err
		}
	}
	line = d.lines.n
	used := [][]byte{first}
	s := splitter{comma: d.comma, lazy: d.lazy}
	open := s.feed(first)
	for size := len(first); open && s.bad == nil; {
		more, err := d.lines.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, line, nil, err
		}
		if err == nil {
			used = append(used, more)
		}
		if size += len(more); err != nil || size > maxLine {
			s.bad = errors.New("a quote opens here that never closes")
			break
		}
		open = s.feed(more)
	}
	keep := len(used) // lines that belong to the record; the others are read again
	switch {
	case s.bad != nil:
		bad, keep = s.bad, 1
	case d.names == nil:
	case len(used) > 1 && d.allRows(used):
		bad, keep = fmt.Errorf("a quote opens here and closes in line %d, and each of these lines looks like a row: double each quote inside a text, or remove this one", line+int64(len(used))-1), 1
	case len(s.fields) != len(d.names):
		bad = fmt.Errorf("%d fields, the header has %d (is a quote missing around a text with commas?)", len(s.fields), len(d.names))
		if i := slices.IndexFunc(used[1:], d.looksLikeRow); i >= 0 {
			keep = 1 + i
		}
	}
	fields = s.fields
	if bad != nil && d.lazy && bytes.IndexByte(first, '"') >= 0 {
		if literal := strings.Split(string(first), string(rune(d.comma))); d.names == nil || len(literal) == len(d.names) {
			fields, bad, keep = literal, nil, 1
		}
	}
	d.lines.unread(used[keep:])
	if bad == nil && len(used) == 1 && d.shapes != nil {
		d.learn(fields)
	}
	return fields, line, bad, nil
}

// splitter splits lines into fields.
type splitter struct {
	comma  byte
	lazy   bool
	fields []string
	field  []byte
	quoted bool // inside a quoted field
	bad    error
}

// feed splits a line. It returns true if a quote is open, so that the record goes on in the next line.
func (s *splitter) feed(line []byte) bool {
	at := 0
	if s.quoted {
		s.field = append(s.field, '\n')
	}
	for {
		if !s.quoted {
			if at < len(line) && line[at] == '"' {
				s.quoted, at = true, at+1
			} else {
				end := bytes.IndexByte(line[at:], s.comma)
				if end < 0 {
					end = len(line) - at
				}
				if !s.lazy && bytes.IndexByte(line[at:at+end], '"') >= 0 {
					s.bad = csv.ErrBareQuote
					return false
				}
				s.fields = append(s.fields, string(line[at:at+end]))
				if at += end; at == len(line) {
					return false
				}
				at++
				continue
			}
		}
		end := bytes.IndexByte(line[at:], '"')
		if end < 0 {
			s.field = append(s.field, line[at:]...)
			return true
		}
		s.field = append(s.field, line[at:at+end]...)
		switch at += end + 1; {
		case at == len(line):
			s.close()
			return false
		case line[at] == '"':
			s.field = append(s.field, '"')
			at++
		case line[at] == s.comma:
			s.close()
			at++
		default:
			s.bad = csv.ErrQuote
			return false
		}
	}
}

func (s *splitter) close() {
	s.fields, s.field, s.quoted = append(s.fields, string(s.field)), s.field[:0], false
}

// shape is what the values of a column have in common. It is learned from rows that stand on one line.
type shape struct {
	rows          int
	words, others bool // whether some values aren't numbers; whether some are neither numbers nor words
}

// longestWord is the greatest length, in bytes, of a value that counts as a word.
const longestWord = 24

func (s *shape) learn(v string) {
	s.rows++
	if _, err := strconv.ParseFloat(v, 64); err != nil {
		s.words = true
		s.others = s.others || len(v) > longestWord || strings.ContainsAny(v, " \t")
	}
}

// fits tells whether a value is like the column's others. sure is false if this says little, as in a column of free text.
func (s *shape) fits(v string) (fits, sure bool) {
	if s.rows == 0 || s.others {
		return true, false
	}
	with := *s
	with.learn(v)
	return with.words == s.words && !with.others, true
}

func (d *delimited) learn(fields []string) {
	for i, f := range fields {
		d.shapes[i].learn(f)
	}
}

// learnFirst learns the shapes from those of the first rows that have no quotes.
func (d *delimited) learnFirst(head []byte) {
	lines := bytes.Split(head, []byte("\n"))
	for _, l := range lines[min(1, len(lines)):max(len(lines)-1, min(1, len(lines)))] {
		if f := strings.Split(strings.TrimSuffix(string(l), "\r"), string(rune(d.comma))); len(f) == len(d.names) && !strings.Contains(string(l), `"`) {
			d.learn(f)
		}
	}
}

// looksLikeRow tells whether a line can be a row if its quotes are plain characters: it has the right number of fields, and numbers and
// words in the columns where other rows have them.
func (d *delimited) looksLikeRow(line []byte) bool {
	fields := strings.Split(string(line), string(rune(d.comma)))
	if len(fields) != len(d.names) || len(fields) < 2 {
		return false
	}
	shaped := d.comma == '\t' // texts rarely contain tabs, but often commas
	for i, f := range fields {
		fits, sure := d.shapes[i].fits(strings.Trim(f, `"`))
		if !fits {
			return false
		}
		shaped = shaped || sure
	}
	return shaped
}

func (d *delimited) allRows(lines [][]byte) bool {
	for _, l := range lines {
		if !d.looksLikeRow(l) {
			return false
		}
	}
	return true
}

// declaredSeparator returns the separator that a file's first line states as "sep=;", or 0. Excel reads such a line, and some programs
// write it.
func declaredSeparator(head []byte) byte {
	first, _, _ := bytes.Cut(head, []byte("\n"))
	first = bytes.Trim(bytes.TrimSuffix(first, []byte("\r")), `"`)
	if said, ok := bytes.CutPrefix(bytes.ToLower(first), []byte("sep=")); ok && len(said) == 1 && said[0] < utf8.RuneSelf {
		return said[0]
	}
	return 0
}

// separator guesses the separator of a file's columns from its header. It prefers commas, or semicolons if there are more of them:
// spreadsheets write these in countries with decimal commas. Then come tabs and vertical bars.
func separator(head []byte, format Format) byte {
	counts := map[byte]int{}
	quoted := false
	for _, c := range head {
		if c == '"' {
			quoted = !quoted
		}
		if c == '\n' && !quoted {
			break
		}
		if !quoted {
			counts[c]++
		}
	}
	switch {
	case format == TSV && (counts['\t'] > 0 || counts[','] == 0 && counts[';'] == 0):
		return '\t'
	case counts[';'] > counts[',']:
		return ';'
	case counts[','] > 0:
		return ','
	case counts['\t'] > 0:
		return '\t'
	case counts['|'] > 0:
		return '|'
	}
	return ','
}

// columns checks a header and returns its names. A column without a name, as spreadsheets leave behind the last one, is named by its
// number.
func columns(header []string) ([]string, error) {
	names := make([]string, len(header))
	seen := map[string]bool{}
	for i, h := range header {
		if names[i] = strings.TrimSpace(h); names[i] == "" {
			names[i] = fmt.Sprintf("column%d", i+1)
		}
		if seen[names[i]] {
			return nil, fmt.Errorf("two columns are called %q", names[i])
		}
		seen[names[i]] = true
	}
	return names, nil
}
