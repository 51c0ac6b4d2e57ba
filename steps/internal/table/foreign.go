package table

import (
	"bufio"
	"bytes"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// magics are the first bytes of files that can't be read, each with what the file is and what to do with it.
var magics = []struct{ begins, is string }{
	{"ARROW1\x00\x00", "an Arrow file (Feather): write Parquet instead (pandas.read_feather(...).to_parquet, dataset.to_parquet)"},
	{"FEA1\x00\x00", "a Feather file: write Parquet instead (pandas.read_feather(...).to_parquet)"},
	{"\xff\xff\xff\xff", "an Arrow stream, as the datasets library keeps it: write Parquet instead (dataset.to_parquet)"},
	{"PK\x03\x04", "a ZIP archive or a spreadsheet: unpack it (unzip), or save the sheet as CSV in UTF-8"},
	{"\xd0\xcf\x11\xe0", "a spreadsheet of an old Excel: save it as CSV in UTF-8"},
	{"\xfd7zXZ\x00", "compressed with xz: unpack it (xz -d)"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it (7z x)"},
	{"\x04\x22\x4d\x18", "compressed with LZ4: unpack it (lz4 -d)"},
	{"\xff\x06\x00\x00sNaPpY", "compressed with Snappy: unpack it"},
	{"SQLite format 3\x00", "an SQLite database: write the table as CSV or Parquet"},
	{"Obj\x01", "an Avro file: write Parquet or JSON lines instead"},
	{"\x93NUMPY", "a NumPy file: write CSV or Parquet instead"},
	{"\x89HDF", "an HDF5 file: write Parquet instead"},
	{"%PDF-", "a PDF: write its texts to JSON lines or CSV"},
	{"version https://git-lfs.github.com/spec/", "a pointer of Git LFS, not the file itself: fetch it (git lfs pull)"},
	{"/annex/objects/", "a pointer of git-annex, not the file itself: fetch it (git annex get)"},
}

// otherNames are extensions of files whose lines aren't prompts. Such a file isn't read as lines, unless the format is given.
var otherNames = map[string]bool{".yaml": true, ".yml": true, ".xml": true, ".html": true, ".htm": true, ".toml": true, ".ini": true, ".arrow": true,
	".feather": true, ".xlsx": true, ".xls": true, ".ods": true, ".pkl": true, ".pickle": true, ".avro": true, ".orc": true, ".db": true, ".sqlite": true,
	".npy": true, ".npz": true, ".h5": true, ".hdf5": true, ".zip": true, ".tar": true, ".tgz": true, ".7z": true, ".xz": true, ".lz4": true, ".pdf": true, ".docx": true, ".rtf": true, ".bin": true}

// looksLikeData tells whether a file of a folder that isn't read may be meant as data.
func looksLikeData(name string) bool {
	base := path.Base(name)
	switch ext := path.Ext(unpacked(base)); {
	case strings.HasPrefix(base, "."):
		return false
	case extension(base) != Auto:
		return strings.HasPrefix(base, "_") && strings.Trim(Stem(base), "_") != "metadata"
	default:
		return otherNames[ext] && !settings[ext]
	}
}

// settings are extensions of files that often lie beside data but hold none.
var settings = map[string]bool{".yaml": true, ".yml": true, ".toml": true, ".ini": true, ".html": true, ".htm": true, ".pdf": true, ".docx": true, ".rtf": true, ".bin": true}

// foreign checks by the first bytes and the name of a file whether it can be read in the format. If not, it says what the file is and what
// to do with it; else it returns "". asked tells whether the user gave the format.
func foreign(head []byte, name string, format Format, asked bool) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.begins)) {
			return m.is
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(head, []byte{0, 0, 0xfe, 0xff}):
		return "UTF-32: convert it to UTF-8 (iconv -f UTF-32 -t UTF-8)"
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return "UTF-16: convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)"
	case len(head) >= 262 && bytes.Equal(head[257:262], []byte("ustar")):
		return "a tar archive: unpack it (tar -x)"
	case len(head) > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5:
		return "a pickle: write Parquet or CSV instead (pandas.read_pickle(...).to_parquet)"
	}
	if format == Parquet {
		return ""
	}
	if even, odd, n := zeros(head); n >= 4 && (odd*5 >= n*2 && even*10 < n || even*5 >= n*2 && odd*10 < n) {
		order := "LE"
		if even > odd {
			order = "BE"
		}
		return fmt.Sprintf("UTF-16 without a byte order mark: convert it to UTF-8 (iconv -f UTF-16%s -t UTF-8)", order)
	}
	start := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, bom), " \t\r\n"))
	if page := bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html")); page && format != Lines {
		return "a web page, not data: download it again"
	}
	if ext := strings.ToLower(path.Ext(name)); !asked && format == Lines && otherNames[ext] {
		return fmt.Sprintf("%s, a format that isn't read: convert it to CSV, JSON lines or Parquet, or say format = \"text\" if each line of it is a prompt", ext)
	}
	return ""
}

// CheckLines refuses a file of which each line is to be a prompt, or an object with one, if its first bytes or its name show that it holds
// something else. It doesn't wait for more than what comes first, and passes over a byte order mark.
func CheckLines(r *bufio.Reader, name string, objects bool) error {
	_, _ = r.Peek(1)
	head, _ := r.Peek(r.Buffered())
	is := ""
	switch format := extension(name); {
	case packing(head) != "":
		is = "compressed with " + packing(head) + ": unpack it"
	case bytes.HasPrefix(head, []byte("PAR1")):
		is = "Parquet: write JSON lines instead"
	case bytes.IndexByte(head, 0) >= 0 || !utf8.Valid(head): // a prompt may begin with any text
		is = foreign(head, name, Lines, true)
	case !objects && (format == JSON || format == CSV || format == TSV):
		is = "a table or a JSON document by its name: write one prompt a line (.txt), or JSON lines (.jsonl)"
	case onlyReturns(head):
		return returnsAlone(name)
	}
	if is != "" {
		return fmt.Errorf("%s: the file is %s", name, is)
	}
	return skipBOM(r)
}

// zeros counts the zero bytes at even and at odd offsets of the first n pairs of bytes.
func zeros(head []byte) (even, odd, n int) {
	head = head[:min(len(head)&^1, 1024)]
	for i := 0; i < len(head); i += 2 {
		if head[i] == 0 {
			even++
		}
		if head[i+1] == 0 {
			odd++
		}
	}
	return even, odd, len(head) / 2
}
