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
	Name string // name in places and messages
	Path string
}

// List returns the data files of path, sorted by name: the file itself, or the files in a folder, at any depth. It leaves out files of a
// folder that hold no data (README.md, hidden files). left are the names of those that may have been meant as data.
func List(path string) (files []Source, left []string, err error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !st.IsDir() {
		return []Source{{filepath.Base(path), path}}, nil, nil
	}
	others := 0
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(path, p)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case d.IsDir() && p != path && (strings.HasPrefix(d.Name(), ".") || d.Name() == "_delta_log"):
			return filepath.SkipDir
		case d.IsDir():
		case IsData(name):
			files = append(files, Source{name, p})
		default:
			if others++; looksLikeData(name) {
				left = append(left, name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if len(files) == 0 && slices.ContainsFunc(left, func(name string) bool { return strings.HasSuffix(name, ".arrow") }) {
		return nil, nil, fmt.Errorf("the folder %s holds Arrow files, as save_to_disk of the datasets library writes them: write Parquet instead (dataset.to_parquet)", path)
	}
	if len(files) == 0 {
		return nil, nil, fmt.Errorf("no data file in the folder %s (%d other files): want .jsonl, .json, .csv, .tsv, .txt or .parquet, also with .gz, .zst or .bz2", path, others)
	}
	slices.SortFunc(files, func(a, b Source) int { return strings.Compare(a.Name, b.Name) })
	return files, left, nil
}

// Options say how to read a file.
type Options struct {
	Format Format
	// Lists are the names of the lists to read in a JSON file. A file that has none of them is read as if Lists were empty.
	Lists []string
	// IsPart tells whether lists of this name are read together, as lists named like splits are. An example are labels: {"benign": [...],
	// "malicious": [...]}.
	IsPart func(name string) bool
}

// Scan yields the records of a file in order. An error of type *BadRecord is about one record, and the stream goes on. Any other error ends
// it.
func Scan(src Source, o Options) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		err := scan(src, o, yield)
		if err != nil && !errors.Is(err, errStop) {
			yield(Record{}, err)
		}
	}
}

func scan(src Source, o Options, yield yielder) error {
	r, closer, packed, err := open(src.Path)
	if err != nil {
		return fmt.Errorf("%s: %w", src.Name, err)
	}
	defer closer.Close()
	format := o.Format
	head, _ := r.Peek(sniff)
	if format == Auto {
		format = detect(head, src.Name)
	}
	if is := foreign(head, src.Name, format, o.Format != Auto); is != "" {
		return fmt.Errorf("%s: the file is %s", src.Name, is)
	}
	yield = withPartitions(src.Name, yield)
	if format == Parquet {
		if packed {
			return fmt.Errorf("%s: the file is Parquet inside another compression: unpack it (gzip -d, zstd -d, bzip2 -d); Parquet is compressed itself", src.Name)
		}
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
	case CSV, TSV:
		return scanDelimited(r, src.Name, format, yield)
	case Lines:
		return scanLines(r, src.Name, yield)
	}
	return fmt.Errorf("%s: unknown format %q", src.Name, format)
}
