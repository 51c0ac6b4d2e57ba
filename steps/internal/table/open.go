package table

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Format is how the records of a file are written.
type Format string

// The formats. Auto decides by the content. If several formats are possible, it decides by the name.
const (
	Auto      Format = ""
	JSONLines Format = "jsonl"
	JSON      Format = "json" // a list of records, an object that holds such lists or columns, or one or more records
	CSV       Format = "csv"
	TSV       Format = "tsv"
	Lines     Format = "text" // each line is a record whose only column is "text"
	Parquet   Format = "parquet"
)

// extensions are the extensions of data files. Other files of a folder aren't read.
var extensions = map[string]Format{
	".jsonl": JSONLines, ".ndjson": JSONLines, ".json": JSON, ".csv": CSV, ".tsv": TSV, ".tab": TSV,
	".txt": Lines, ".parquet": Parquet,
}

// extension returns a file's format by its name, which may end with a compression's extension.
func extension(name string) Format {
	return extensions[path.Ext(unpacked(name))]
}

// unpacked is a file's name in lower case without the extensions of compressions.
func unpacked(name string) string {
	name = strings.ToLower(name)
	for _, z := range compressions {
		name = strings.TrimSuffix(name, z)
	}
	return name
}

// compressions are the extensions of the compressions that can be read.
var compressions = []string{".gz", ".zst", ".zstd", ".bz2"}

// IsJSON tells by a file's name whether it may hold several lists of records.
func IsJSON(name string) bool { return extension(name) == JSON }

// IsLines tells by a file's name whether each of its lines is a text.
func IsLines(name string) bool { return extension(name) == Lines }

// about are files that the `datasets` library writes. They describe a data set but hold no data.
var about = map[string]bool{"dataset_info.json": true, "dataset_infos.json": true, "dataset_dict.json": true, "state.json": true}

// IsData tells by a file's name whether it is to be read as part of a folder.
func IsData(name string) bool {
	base := path.Base(name)
	return extension(base) != Auto && !about[base] && !strings.HasPrefix(base, ".") && !strings.HasPrefix(base, "_")
}

// sniff is how many bytes of a file are looked at to find its format.
const sniff = 64 << 10

// maxLine is the greatest length of a line in bytes. It limits the memory that one record can take.
const maxLine = 64 << 20

// open opens a file and decompresses it if needed; packed tells whether it did. The first sniff bytes of the reader can be peeked at.
func open(file string) (r *bufio.Reader, closer io.Closer, packed bool, err error) {
	if st, err := os.Stat(file); err == nil && !st.Mode().IsRegular() && !strings.HasPrefix(file, "/dev/") && !strings.HasPrefix(file, "/proc/") {
		return nil, nil, false, fmt.Errorf("%s is not a file: a pipe or a device is read only as /dev/stdin or as what the shell opens, <(...)", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, false, err
	}
	all := closers{f}
	r = bufio.NewReaderSize(f, sniff)
	for range 2 { // a file may have been compressed twice
		inner, closer, err := unpack(r)
		if err != nil {
			return nil, nil, false, errors.Join(err, all.Close())
		}
		if inner == nil {
			break
		}
		r, all, packed = bufio.NewReaderSize(inner, sniff), append(closers{closer}, all...), true
	}
	return r, all, packed, nil
}

// unpack returns a reader of the decompressed content, or nil if the stream isn't compressed.
func unpack(r *bufio.Reader) (io.Reader, io.Closer, error) {
	head, _ := r.Peek(10)
	switch packing(head) {
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil, fmt.Errorf("gzip: %w", err)
		}
		return cutOff{z, "gzip"}, z, nil
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, fmt.Errorf("zstd: %w", err)
		}
		return cutOff{z, "zstd"}, z.IOReadCloser(), nil
	case "bzip2":
		return cutOff{bzip2.NewReader(r), "bzip2"}, closers{}, nil
	}
	return nil, nil, nil
}

// packing names the compression of a stream that begins with head, or "".
func packing(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return "gzip"
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd"
	case len(head) >= 10 && bytes.HasPrefix(head, []byte("BZh")) && string(head[4:10]) == "1AY&SY": // a block begins with the digits of pi
		return "bzip2"
	}
	return ""
}

// cutOff is a reader that adds the name of the compression to read errors.
type cutOff struct {
	io.Reader
	compression string
}

func (c cutOff) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("the %s data is cut off or damaged: %w", c.compression, err)
	}
	return n, err
}

type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for _, x := range c {
		errs = append(errs, x.Close())
	}
	return errors.Join(errs...)
}

// detect finds the format of a file by its first bytes, and by its name where several formats look alike.
func detect(head []byte, name string) Format {
	byName := extension(name)
	if bytes.HasPrefix(head, []byte("PAR1")) || byName == Parquet {
		return Parquet
	}
	head = bytes.TrimLeft(bytes.TrimPrefix(head, bom), " \t\r\n")
	switch {
	case byName == CSV || byName == TSV || byName == Lines:
		return byName
	case bytes.HasPrefix(head, []byte("[")):
		return JSON
	case byName == JSONLines || len(head) == 0:
		return JSONLines
	}
	first, rest, _ := bytes.Cut(head, []byte("\n"))
	switch first = bytes.TrimSpace(first); {
	case bytes.HasPrefix(first, []byte("{")) && bytes.HasSuffix(first, []byte("}")) && startsObject(rest):
		return JSONLines
	case bytes.HasPrefix(first, []byte("{")) || byName == JSON:
		return JSON // an object over several lines
	case bytes.IndexByte(first, '\t') >= 0:
		return TSV
	case bytes.ContainsAny(first, ",;"):
		return CSV
	}
	return Lines
}

// startsObject tells whether rest begins with a JSON object, after white space.
func startsObject(rest []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(rest, bom), " \t\r\n\ufeff"), []byte("{"))
}

// bom is UTF-8's byte order mark, which spreadsheet programs write at the beginning of a file.
var bom = []byte("\xef\xbb\xbf")

// skipBOM skips a byte order mark.
func skipBOM(r *bufio.Reader) error {
	head, _ := r.Peek(len(bom))
	if !bytes.HasPrefix(head, bom) {
		return nil
	}
	_, err := r.Discard(len(bom))
	return err
}
