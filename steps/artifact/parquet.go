package artifact

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/parquet-go/parquet-go"
)

// batch is the number of rows that are read or written at a time. It bounds memory, whatever the file's size.
const batch = 4096

// scan yields the file's rows in order. It ends after the first error. It isn't inlined: each loop over rows would have all of it.
//
//go:noinline
func scan[T any](path string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		f, pf, err := openParquet(path)
		if err != nil {
			yield(zero, err)
			return
		}
		defer f.Close()
		r := parquet.NewGenericReader[T](pf)
		defer r.Close()
		buf := make([]T, batch)
		for {
			clear(buf)
			n, err := r.Read(buf)
			for _, v := range buf[:n] {
				if !yield(v, nil) {
					return
				}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(zero, fmt.Errorf("%s: %w", path, err))
				return
			}
		}
	}
}

// openParquet opens a Parquet file and checks its footer, because parquet.NewGenericReader panics on a broken one.
func openParquet(path string) (*os.File, *parquet.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	pf, err := parquet.OpenFile(f, st.Size())
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: not a readable Parquet file: %w", path, err), f.Close())
	}
	return f, pf, nil
}

func readAll[T any](path string) ([]T, error) {
	var out []T
	for v, err := range scan[T](path) {
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// Writer writes rows to a Parquet file as they come, with bounded memory. Equal rows give equal bytes.
type Writer[T any] struct {
	f *os.File
	w *parquet.GenericWriter[T]
}

// NewWriter creates the file at path. The file is complete only after Close.
func NewWriter[T any](path string) (*Writer[T], error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	w := parquet.NewGenericWriter[T](f,
		parquet.MaxRowsPerRowGroup(64*1024),
		parquet.CreatedBy("rein", "", ""))
	return &Writer[T]{f: f, w: w}, nil
}

// Write appends rows.
func (w *Writer[T]) Write(rows ...T) error {
	_, err := w.w.Write(rows)
	return err
}

// Close writes the footer and closes the file.
func (w *Writer[T]) Close() error {
	return errors.Join(w.w.Close(), w.f.Close())
}

func writeAll[T any](path string, rows []T) error {
	w, err := NewWriter[T](path)
	if err != nil {
		return err
	}
	return errors.Join(w.Write(rows...), w.Close())
}

// All yields the rows in order. It ends after the first error.
func (r Rows) All() iter.Seq2[Row, error] { return scan[Row](r.Path) }

// IsRows tells whether path is a Parquet file with the columns of Row.
func IsRows(path string) bool {
	f, pf, err := openParquet(path)
	if err != nil {
		return false
	}
	defer f.Close()
	for _, name := range []string{"id", "text", "root", "parent"} {
		if _, ok := pf.Schema().Lookup(name); !ok {
			return false
		}
	}
	return true
}

// CountAll returns the number of rows in all sets together. A set without a path counts as empty.
func CountAll(sets ...Rows) (total int64, err error) {
	for _, s := range sets {
		if s.Path == "" {
			continue
		}
		n, err := s.Count()
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// Count returns the number of rows. It reads only the file's footer.
func (r Rows) Count() (int64, error) {
	f, err := os.Open(r.Path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	pf, err := parquet.OpenFile(f, st.Size())
	if err != nil {
		return 0, fmt.Errorf("%s: not a readable Parquet file: %w", r.Path, err)
	}
	return pf.NumRows(), nil
}

// Read returns all rows.
func (r Rows) Read() ([]Row, error) { return readAll[Row](r.Path) }

// WriteRows writes rows to path.
func WriteRows(path string, rows []Row) (Rows, error) { return Rows{path}, writeAll(path, rows) }

// All yields the scored rows in order. It ends after the first error.
func (s Scores) All() iter.Seq2[Scored, error] { return scan[Scored](s.Path) }

// Read returns all scored rows.
func (s Scores) Read() ([]Scored, error) { return readAll[Scored](s.Path) }
