package table

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"unicode/utf16"
)

func utf16of(order binary.AppendByteOrder, s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// The error for a file that can't be read says what the file is, whatever its name. No such file is read as lines of text.
func TestForeignFiles(t *testing.T) {
	rows := "text,label\nhello there,0\nignore it,1\n"
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write([]byte("PAR1xxxxPAR1"))
	w.Close()
	tar := make([]byte, 512)
	copy(tar[257:], "ustar")
	for _, c := range []struct{ name, content, want string }{
		{"a.arrow", "ARROW1\x00\x00xx", "an Arrow file"},
		{"a.parquet", "ARROW1\x00\x00xx", "an Arrow file"},
		{"blob", "\xff\xff\xff\xff\x10\x01", "an Arrow stream"},
		{"a.zip", "PK\x03\x04xx", "unpack it (unzip)"},
		{"a.csv", "PK\x03\x04xx", "unpack it (unzip)"},
		{"a.csv.xz", "\xfd7zXZ\x00xx", "xz -d"},
		{"a.csv.lz4", "\x04\x22\x4d\x18xx", "lz4 -d"},
		{"a.tar", string(tar), "a tar archive"},
		{"a.pkl", "\x80\x04xx", "a pickle"},
		{"a.parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n", "git lfs pull"},
		{"a.txt", "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n", "git lfs pull"},
		{"a.json", "/annex/objects/SHA256E-s1--aa\n", "git annex get"},
		{"a.jsonl", "<!DOCTYPE html>\n<p>not found", "a web page"},
		{"a.yaml", "- text: hello\n", "the file is .yaml, a format that isn't read"},
		{"a.xml", "<rows>\n<row/>\n</rows>\n", "a format that isn't read"},
		{"a.json", "// rows\n[{\"text\":\"a\"}]", "not JSON"},
		{"a.parquet", "text,label\na,0\n", "not a readable Parquet file"},
		{"a.parquet", "", "not a readable Parquet file"},
		{"a.parquet.gz", packed.String(), "Parquet inside another compression"},
		{"a.csv", "\xff\xfe" + utf16of(binary.LittleEndian, rows), "iconv -f UTF-16 "},
		{"a.csv", utf16of(binary.LittleEndian, rows), "iconv -f UTF-16LE "},
		{"a.txt", utf16of(binary.BigEndian, rows), "iconv -f UTF-16BE "},
		{"a.csv", "\xff\xfe\x00\x00t\x00\x00\x00", "iconv -f UTF-32 "},
		{"a.txt", "one\rtwo\rthree\r", "carriage return alone"},
		{"a.jsonl", "{\"text\":\"a\"}\r{\"text\":\"b\"}\r", "carriage return alone"},
	} {
		if got := lines(t, file(t, c.name, c.content), Auto); len(got) != 1 || !strings.HasPrefix(got[0], "end "+c.name+": ") || !strings.Contains(got[0], c.want) {
			t.Errorf("%s %.20q is read as %q, want %s", c.name, c.content, got, c.want)
		}
	}
	check(t, file(t, "a.csv", "PARENT,text\n1,<html> is a tag\n"), `a.csv:2 {"PARENT":"1","text":"\u003chtml\u003e is a tag"}`)
	check(t, file(t, "a.txt", "<html> is what?\n"), `a.txt:1 {"text":"\u003chtml\u003e is what?"}`)
	if got := lines(t, file(t, "a.yaml", "- hello\n"), Lines); len(got) != 1 || got[0] != `a.yaml:1 {"text":"- hello"}` {
		t.Errorf("as is asked: %q", got)
	}
}

// The header or a first line decides the separator, not the file's name.
func TestSeparators(t *testing.T) {
	for _, text := range []string{"sep=;\na;b\n1;x, y\n", "\ufeffsep=;\r\na;b\r\n1;x, y\r\n", "\"sep=;\"\na;b\n1;x, y\n", "sep=\t\na\tb\n1\tx, y\n"} {
		check(t, file(t, "a.csv", text), `a.csv:3 {"a":"1","b":"x, y"}`)
	}
	for _, text := range []string{"a;b\n1;x, y\n", "a|b\n1|x, y\n", "a\tb\n1\tx, y\n", "a,b\n1,\"x, y\"\n"} {
		check(t, file(t, "a.csv", text), `a.csv:2 {"a":"1","b":"x, y"}`)
	}
	check(t, file(t, "a.csv", "\"a, b, c\";d\n1;2\n"), `a.csv:2 {"a, b, c":"1","d":"2"}`)
	check(t, file(t, "a.csv", "\"a|b|c\",d\n1,2\n"), `a.csv:2 {"a|b|c":"1","d":"2"}`)
	check(t, file(t, "a.tsv", "a,b\n1,\"x, y\"\n"), `a.tsv:2 {"a":"1","b":"x, y"}`)
	check(t, file(t, "a.tsv", "a\nx, y\n"), `a.tsv:2 {"a":"x, y"}`)
}

// Folders named COLUMN=VALUE give their rows a column.
func TestPartitionsAreColumns(t *testing.T) {
	src := file(t, "x.csv", "a,b\n1,2\n")
	src.Name = "b=9/day=2024-01-31/tag=x%2Fy/none=__HIVE_DEFAULT_PARTITION__/x.csv"
	var got []string
	for rec, err := range Scan(src, Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rec.Names...)
		if rec.Values["b"] != "2" || rec.Values["day"] != "2024-01-31" || rec.Values["tag"] != "x/y" || rec.Values["none"] != nil {
			t.Errorf("%v", rec.Values)
		}
	}
	if strings.Join(got, " ") != "a b day tag none" {
		t.Errorf("%q", got)
	}
}

// What isn't lines of text isn't taken for prompts, and whatever text a prompt begins with is.
func TestCheckLines(t *testing.T) {
	for _, c := range []struct {
		name, content string
		objects       bool
		want          string // the error, or what is left to read
	}{
		{"a.txt", "\xef\xbb\xbfone\ntwo", false, "one\ntwo"},
		{"a.txt", "%PDF- is a format", false, "%PDF- is a format"},
		{"a.txt", "caf\xe9\n", false, "caf\xe9\n"},
		{"a.txt", "", false, ""},
		{"a.csv", "text,label\n", true, "text,label\n"},
		{"a.csv", "text,label\n", false, "a.csv: the file is a table or a JSON document by its name"},
		{"a.json.txt", "[1]", false, "[1]"},
		{"a.jsonl.gz", "\x1f\x8b\x08\x00", true, "compressed with gzip: unpack it"},
		{"a", "\x28\xb5\x2f\xfd", false, "compressed with zstd"},
		{"a.jsonl", "PAR1\x15\x04", true, "Parquet: write JSON lines"},
		{"a.txt", "\xff\xfe" + utf16of(binary.LittleEndian, "one\n"), false, "iconv -f UTF-16 "},
		{"a.txt", utf16of(binary.LittleEndian, "one\ntwo"), false, "iconv -f UTF-16LE "},
		{"a.txt", "PK\x03\x04\x00", false, "a ZIP archive"},
		{"a.txt", "one\rtwo\r", false, "carriage return alone"},
	} {
		r := bufio.NewReaderSize(strings.NewReader(c.content), sniff)
		err := CheckLines(r, c.name, c.objects)
		left, rerr := io.ReadAll(r)
		if rerr != nil {
			t.Fatal(rerr)
		}
		if err == nil && string(left) != c.want || err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s %.20q: %v, left %q, want %q", c.name, c.content, err, left, c.want)
		}
	}
}

// More than the first bytes isn't waited for: whoever types a prompt gets its answer.
func TestCheckLinesWaitsForNothing(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	go func() { _, _ = out.Write([]byte("one\n")) }()
	if err := CheckLines(bufio.NewReaderSize(in, sniff), "/dev/stdin", false); err != nil {
		t.Error(err)
	}
}

// A file's name never makes two lines of a place.
func TestPlaceIsOneLine(t *testing.T) {
	if got := (Place{File: "a\nb.jsonl", Line: 2}).String(); got != `a\nb.jsonl:2` {
		t.Errorf("%q", got)
	}
}
