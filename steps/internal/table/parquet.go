package table

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

// scanParquet reads the rows of a Parquet file, with their nested values. The Line of a Place is the row's number.
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
	var pf *parquet.File
	if err := guarded(func() (err error) {
		if err := checkFooter(f, st.Size()); err != nil {
			return err
		}
		pf, err = parquet.OpenFile(f, st.Size(), parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
		return err
	}); err != nil {
		return fmt.Errorf("%s: not a readable Parquet file: %w", src.Name, err)
	}
	var t *parquetTable
	if err := guarded(func() (err error) {
		t, err = newParquetTable(pf)
		return err
	}); err != nil {
		return fmt.Errorf("%s: %w", src.Name, err)
	}
	at := Place{File: src.Name}
	buf := make([]parquet.Row, 512)
	for _, g := range pf.RowGroups() {
		if g.NumRows() == 0 { // an empty group may have no pages to read
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
	records := make([]Record, 0, len(buf))
	for {
		records = records[:0]
		err := guarded(func() error {
			n, err := rows.ReadRows(buf)
			for i, row := range buf[:n] {
				records = append(records, t.record(row, Place{File: at.File, Line: at.Line + int64(i) + 1}))
			}
			return err
		})
		for _, rec := range records {
			at.Line++
			if !yield(rec, nil) {
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

// checkFooter refuses a file whose footer claims to be longer than the file. The library would allocate that much memory.
func checkFooter(r io.ReaderAt, size int64) error {
	const frame = 12 // bytes: "PAR1" at both ends, and the length of the metadata
	var end [8]byte
	if size < frame {
		return errors.New("it is too short")
	}
	if _, err := r.ReadAt(end[:], size-int64(len(end))); err != nil {
		return err
	}
	if n := int64(binary.LittleEndian.Uint32(end[:])); string(end[4:]) != "PAR1" || n > size-frame {
		return errors.New("it is cut off or damaged: its end is not that of a Parquet file")
	}
	return nil
}

// guarded calls f and turns a panic into an error. The library trusts what a file says, so a damaged one may make it panic.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the file is damaged: %v", p)
		}
	}()
	return f()
}

// classLabels reads the class names by column that the `datasets` library writes into a file's metadata.
func classLabels(pf *parquet.File) map[string][]string {
	meta, ok := pf.Lookup("huggingface")
	if !ok {
		return nil
	}
	var v struct {
		Info struct {
			Features features `json:"features"`
		} `json:"info"`
	}
	if json.Unmarshal([]byte(meta), &v) != nil {
		return nil // another program uses the key
	}
	return v.Info.Features.classes()
}
