package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"

	"github.com/mattn/go-runewidth"
	"github.com/parquet-go/parquet-go"

	"rein/pipelines/human"
	"rein/steps/artifact"
)

// isParquet tells whether path is a Parquet file, by its first bytes.
func isParquet(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	_, err = io.ReadFull(f, magic[:])
	return err == nil && string(magic[:]) == "PAR1"
}

// writeRows writes a Parquet file of rows or scores as text: table (width is the terminal's; 0: none), jsonl or csv; at most limit rows
// (0: all).
func writeRows(w io.Writer, path, format string, limit, width int) error {
	scored, err := isScores(path)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	if scored {
		err = writeText(b, artifact.Scores{Path: path}.All(), format, limit, width, scoredColumns)
	} else {
		err = writeText(b, artifact.Rows{Path: path}.All(), format, limit, width, rowColumns)
	}
	return errors.Join(err, b.Flush())
}

// isScores tells by the columns whether a file holds scores rather than rows.
func isScores(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return false, err
	}
	pf, err := parquet.OpenFile(f, st.Size())
	if err != nil {
		return false, fmt.Errorf("%s: not a readable Parquet file: %w", path, err)
	}
	_, ok := pf.Schema().Lookup("set")
	return ok, nil
}

// columns describe how a kind of row is written as text; the last column is the long one.
type columns[T any] struct {
	names  []string
	fields func(T) []string
}

var (
	rowColumns = columns[artifact.Row]{
		[]string{"id", "label", "category", "source", "method", "score", "text"},
		func(r artifact.Row) []string {
			return []string{r.ID, r.Label, r.Category, r.Source, r.Method, scoreText(r.Score), r.Text}
		},
	}
	scoredColumns = columns[artifact.Scored]{
		[]string{"id", "set", "label", "category", "source", "score", "family", "text"},
		func(s artifact.Scored) []string {
			return []string{s.ID, s.Set, s.Label, s.Category, s.Source, scoreText(s.Score), s.Family, s.Text}
		},
	}
)

func scoreText(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.4f", v)
}

// textWidth is the width of a table's text column, in cells.
const textWidth = 80

func writeText[T any](w io.Writer, rows iter.Seq2[T, error], format string, limit, width int, cols columns[T]) error {
	var put func(T) error
	done := func() error { return nil }
	switch format {
	case "jsonl":
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		put = func(r T) error { return enc.Encode(r) }
	case "csv":
		c := csv.NewWriter(w)
		if err := c.Write(cols.names); err != nil {
			return err
		}
		put = func(r T) error { return c.Write(cells(cols.fields(r))) }
		done = func() error { c.Flush(); return c.Error() }
	default:
		t := &human.Table{Width: width}
		t.Row(cols.names...)
		put = func(r T) error {
			f := cols.fields(r)
			for i := range f {
				f[i] = runewidth.Truncate(human.Safe(f[i]), textWidth, "...")
			}
			t.Row(f...)
			return nil
		}
		done = func() error { return t.Write(w) }
	}
	n := 0
	for r, err := range rows {
		if err != nil {
			return err
		}
		if err := put(r); err != nil {
			return err
		}
		if n++; n == limit {
			break
		}
	}
	return done()
}

// cells are fields for a file that spreadsheets open.
func cells(fields []string) []string {
	out := slices.Clone(fields)
	for i, f := range out {
		out[i] = artifact.Cell(f)
	}
	return out
}
