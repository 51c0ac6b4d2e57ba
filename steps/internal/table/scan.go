package table

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Source is one file to read.
type Source struct {
	Name string // what places and messages call it
	Path string
}

// List gives the data files of path in the order of their names: the file itself, or a folder's, at any depth.
// Files of a folder that are no data (README.md, hidden files) are left out.
func List(path string) ([]Source, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		return []Source{{filepath.Base(path), path}}, nil
	}
	var out []Source
	var others []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != path && strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(path, p)
		if err != nil {
			return err
		}
		if name = filepath.ToSlash(name); IsData(name) {
			out = append(out, Source{name, p})
		} else {
			others = append(others, name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(out) == 0 && slices.ContainsFunc(others, func(name string) bool { return strings.HasSuffix(name, ".arrow") }) {
		return nil, fmt.Errorf("the folder %s holds Arrow files, as save_to_disk of the datasets library writes them: write Parquet instead (dataset.to_parquet)", path)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no data file in the folder %s (%d other files): want .jsonl, .json, .csv, .tsv, .txt or .parquet, also with .gz or .zst", path, len(others))
	}
	slices.SortFunc(out, func(a, b Source) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out, nil
}

// Options say how to read a file.
type Options struct {
	Format Format
	// Lists are the lists of a JSON file to read, by name, where it has some of them.
	Lists []string
	// IsPart tells names of lists that are read together, besides those of splits: {"benign": [...], "malicious": [...]}.
	IsPart func(name string) bool
}

// Scan yields a file's records in order. A *BadRecord error stands for one record and the stream goes on;
// any other error ends it.
func Scan(src Source, o Options) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		err := scan(src, o, yield)
		if err != nil && !errors.Is(err, errStop) {
			yield(Record{}, err)
		}
	}
}

func scan(src Source, o Options, yield yielder) error {
	r, closer, err := open(src.Path)
	if err != nil {
		return fmt.Errorf("%s: %w", src.Name, err)
	}
	defer closer.Close()
	format := o.Format
	if format == Auto {
		head, _ := r.Peek(sniff)
		format = detect(head, src.Name)
	}
	if format == Parquet {
		return scanParquet(src, yield)
	}
	if err := skipBOM(r); err != nil {
		return fmt.Errorf("%s: %w", src.Name, err)
	}
	switch format {
	case JSONLines:
		return scanJSONLines(r, src.Name, yield)
	case JSON:
		return scanJSON(r, src, o, yield)
	case CSV:
		return scanDelimited(r, src.Name, separator(r), yield)
	case TSV:
		return scanDelimited(r, src.Name, '\t', yield)
	case Lines:
		return scanLines(r, src.Name, yield)
	}
	return fmt.Errorf("%s: unknown format %q", src.Name, format)
}
