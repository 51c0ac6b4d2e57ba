package table

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// leaf is one column of a Parquet file, as deep as it lies: its name is its path joined by dots.
type leaf struct {
	name     string
	repeated bool
	unit     time.Duration // of a timestamp; 0: it is none
	classes  []string      // names of a Hugging Face ClassLabel's numbers
}

// scanParquet reads the rows of a Parquet file. A place's line is the row's number.
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
	pf, err := parquet.OpenFile(f, st.Size())
	if err != nil {
		return fmt.Errorf("%s: not a readable Parquet file: %w", src.Name, err)
	}
	leaves := leavesOf(pf)
	names := make([]string, len(leaves))
	for i, l := range leaves {
		names[i] = l.name
	}
	line := int64(0)
	buf := make([]parquet.Row, 512)
	for _, g := range pf.RowGroups() {
		rows := g.Rows()
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				line++
				if !yield(parquetRecord(row, leaves, names, Place{src.Name, line}), nil) {
					rows.Close()
					return errStop
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				rows.Close()
				return fmt.Errorf("%s: row %d: %w", src.Name, line+1, err)
			}
		}
		if err := rows.Close(); err != nil {
			return fmt.Errorf("%s: %w", src.Name, err)
		}
	}
	return nil
}

func leavesOf(pf *parquet.File) []leaf {
	classes := classLabels(pf)
	var out []leaf
	for _, path := range pf.Schema().Columns() {
		l := leaf{name: strings.Join(path, "."), classes: classes[path[0]]}
		if c, ok := pf.Schema().Lookup(path...); ok {
			l.repeated = c.MaxRepetitionLevel > 0
			if lt := c.Node.Type().LogicalType(); lt != nil {
				if ts, ok := lt.Value.(*format.TimestampType); ok && ts.Unit.Value != nil {
					l.unit = ts.Unit.Value.Duration()
				}
			}
		}
		out = append(out, l)
	}
	return out
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

func parquetRecord(row parquet.Row, leaves []leaf, names []string, at Place) Record {
	rec := Record{Place: at, Names: names, Values: make(map[string]any, len(leaves))}
	for _, v := range row {
		l := leaves[v.Column()]
		x := l.value(v)
		if s, ok := x.(string); ok && !utf8.ValidString(s) {
			rec.BadUTF8, x = true, strings.ToValidUTF8(s, "\uFFFD")
		}
		if l.repeated {
			list, _ := rec.Values[l.name].([]any)
			rec.Values[l.name] = append(list, x)
			continue
		}
		rec.Values[l.name] = x
	}
	return rec
}

func (l leaf) value(v parquet.Value) any {
	if v.IsNull() {
		return nil
	}
	switch v.Kind() {
	case parquet.Boolean:
		return v.Boolean()
	case parquet.Int32, parquet.Int64:
		n := v.Int64()
		if v.Kind() == parquet.Int32 {
			n = int64(v.Int32())
		}
		switch {
		case n >= 0 && n < int64(len(l.classes)):
			return l.classes[n]
		case l.unit > 0:
			perSecond := int64(time.Second / l.unit)
			return time.Unix(n/perSecond, n%perSecond*int64(l.unit)).UTC().Format(time.RFC3339Nano)
		}
		return json.Number(strconv.FormatInt(n, 10))
	case parquet.Float:
		return number(float64(v.Float()), 32)
	case parquet.Double:
		return number(v.Double(), 64)
	}
	return string(v.ByteArray())
}

// number is a float as a JSON number would be written; JSON has no NaN, which stands for "none" in data frames.
func number(x float64, bits int) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return json.Number(strconv.FormatFloat(x, 'f', -1, bits))
}
