package artifact

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// Answer is a Scored row without its text and other descriptions. Comparisons of models read Answers, so the texts stay on disk.
type Answer struct {
	Set   string
	Label string
	Score float64
	Seeds []float64

	Threshold float64 // the threshold that decided the row, if the rows are of several models; else 0
}

// Answers returns one Answer for each row, in the rows' order. It reads only the columns that it needs, which is several times as fast as
// reading rows. It fails if the file isn't Parquet or has more values in a column than rows.
func (s Scores) Answers() ([]Answer, error) {
	f, pf, err := openParquet(s.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := make([]Answer, 0, pf.NumRows())
	for _, group := range pf.RowGroups() {
		from := len(out)
		out = out[:from+int(group.NumRows())]
		if err := readAnswers(group, out[from:]); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Path, err)
		}
	}
	return out, nil
}

func readAnswers(group parquet.RowGroup, out []Answer) error {
	words := map[string]string{} // the few different values of set and label, each kept once
	word := func(v parquet.Value) string {
		b := v.ByteArray()
		w, ok := words[string(b)]
		if !ok {
			w = string(b)
			words[w] = w
		}
		return w
	}
	for _, column := range []struct {
		name string
		set  func(a *Answer, v parquet.Value)
	}{
		{"set", func(a *Answer, v parquet.Value) { a.Set = word(v) }},
		{"label", func(a *Answer, v parquet.Value) { a.Label = word(v) }},
		{"score", func(a *Answer, v parquet.Value) { a.Score = v.Double() }},
		{"threshold", func(a *Answer, v parquet.Value) { a.Threshold = v.Double() }},
		{"seeds", func(a *Answer, v parquet.Value) { a.Seeds = append(a.Seeds, v.Double()) }},
	} {
		leaf, ok := group.Schema().Lookup(column.name)
		if !ok {
			continue // the file is older than the column
		}
		row := -1
		err := values(group.ColumnChunks()[leaf.ColumnIndex], func(v parquet.Value) error {
			if v.RepetitionLevel() == 0 {
				row++
			}
			if row < 0 || row >= len(out) {
				return fmt.Errorf("column %q has values of more than %d rows", column.name, len(out))
			}
			if !v.IsNull() {
				column.set(&out[row], v)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// values calls f with each value of a column.
func values(column parquet.ColumnChunk, f func(parquet.Value) error) error {
	pages := column.Pages()
	defer pages.Close()
	buf := make([]parquet.Value, batch)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = pageValues(page, buf, f)
		parquet.Release(page)
		if err != nil {
			return err
		}
	}
}

func pageValues(page parquet.Page, buf []parquet.Value, f func(parquet.Value) error) error {
	for r := page.Values(); ; {
		n, err := r.ReadValues(buf)
		for _, v := range buf[:n] {
			if err := f(v); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
