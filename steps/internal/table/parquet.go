package table

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

// scanParquet reads the rows of a Parquet file, nested as they are. A place's line is the row's number.
func scanParquet(src Source, yield yielder) error {
	f, err := os.Open(src.Path)
	if err != nil {
		return fmt.Errorf("%s: %w", src.Name, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", src.Name, err)
	}
	pf, err := parquet.OpenFile(f, st.Size(), parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
	if err != nil {
		return fmt.Errorf("%s: not a readable Parquet file: %w", src.Name, err)
	}
	t, err := newParquetTable(pf)
	if err != nil {
		return fmt.Errorf("%s: %w", src.Name, err)
	}
	at := Place{File: src.Name}
	buf := make([]parquet.Row, 512)
	for _, g := range pf.RowGroups() {
		if g.NumRows() == 0 { // such a group may have no pages to read
			continue
		}
		if err := t.group(g, buf, &at, yield); err != nil {
			return err
		}
	}
	return nil
}

// group reads a row group.
func (t *parquetTable) group(g parquet.RowGroup, buf []parquet.Row, at *Place, yield yielder) (err error) {
	rows := g.Rows()
	defer func() { err = errors.Join(err, rows.Close()) }()
	for {
		n, err := rows.ReadRows(buf)
		for _, row := range buf[:n] {
			at.Line++
			if !yield(t.record(row, *at), nil) {
				return errStop
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: row %d: %w", at.File, at.Line+1, err)
		}
	}
}

// classLabels reads the label names that the `datasets` library leaves in a file's metadata.
func classLabels(pf *parquet.File) map[string][]string {
	meta, ok := pf.Lookup("huggingface")
	if !ok {
		return nil
	}
	var v struct {
		Info struct {
			Features map[string]struct {
				Names []string `json:"names"`
			} `json:"features"`
		} `json:"info"`
	}
	if json.Unmarshal([]byte(meta), &v) != nil {
		return nil // somebody else's use of the key
	}
	out := map[string][]string{}
	for name, f := range v.Info.Features {
		if len(f.Names) > 0 {
			out[name] = f.Names
		}
	}
	return out
}
