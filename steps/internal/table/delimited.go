package table

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// scanDelimited reads CSV or TSV with a header. A record with a wrong number of fields is bad, and the next is tried.
func scanDelimited(r *bufio.Reader, name string, comma rune, yield yielder) error {
	cr := csv.NewReader(r)
	cr.Comma, cr.ReuseRecord = comma, true
	cr.LazyQuotes = comma == '\t' // TSV files rarely quote at all
	header, err := cr.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: header: %w", name, err)
	}
	names, err := columns(header)
	if err != nil {
		return fmt.Errorf("%s:1: %w", name, err)
	}
	for {
		fields, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			at, fatal := csvPlace(name, err)
			if fatal {
				return fmt.Errorf("%s: %w", name, err)
			}
			if !yield(Record{}, &BadRecord{at, csvReason(err, len(names), len(fields))}) {
				return errStop
			}
			continue
		}
		line, _ := cr.FieldPos(0)
		rec := Record{Place: Place{name, int64(line)}, Names: names, Values: make(map[string]any, len(names))}
		for i, f := range fields {
			if !utf8.ValidString(f) {
				rec.BadUTF8, f = true, strings.ToValidUTF8(f, "\uFFFD")
			}
			rec.Values[names[i]] = f
		}
		if !yield(rec, nil) {
			return errStop
		}
	}
}

// separator is what stands between a CSV file's columns: a comma, or a semicolon where spreadsheets write commas in numbers.
func separator(r *bufio.Reader) rune {
	head, _ := r.Peek(sniff)
	header, _, _ := bytes.Cut(head, []byte("\n"))
	if bytes.Count(header, []byte(";")) > bytes.Count(header, []byte(",")) {
		return ';'
	}
	return ','
}

// columns copies and checks a header; a spreadsheet's empty trailing columns get numbers.
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

// csvPlace is where an error stands; an error of reading the file itself ends it.
func csvPlace(name string, err error) (Place, bool) {
	var pe *csv.ParseError
	if !errors.As(err, &pe) {
		return Place{}, true
	}
	return Place{name, int64(pe.StartLine)}, false
}

func csvReason(err error, want, got int) error {
	if errors.Is(err, csv.ErrFieldCount) {
		return fmt.Errorf("%d fields, the header has %d (is a quote missing around a text with commas?)", got, want)
	}
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// scanLines reads each line as a text.
func scanLines(r *bufio.Reader, name string, yield yielder) error {
	names := []string{"text"}
	for line := int64(1); ; line++ {
		b, err := readLine(r)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if s := strings.TrimSpace(string(b)); s != "" {
			rec := Record{Place: Place{name, line}, Names: names, BadUTF8: !utf8.ValidString(s)}
			rec.Values = map[string]any{"text": strings.ToValidUTF8(s, "\uFFFD")}
			if !yield(rec, nil) {
				return errStop
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
	}
}
