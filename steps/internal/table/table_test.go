package table

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
)

func file(t testing.TB, name, content string) Source {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return Source{name, p}
}

// lines returns a line of text for each record or error.
func lines(t testing.TB, src Source, format Format) []string {
	t.Helper()
	var out []string
	for rec, err := range Scan(src, Options{Format: format}) {
		var bad *BadRecord
		switch {
		case errors.As(err, &bad):
			out = append(out, "bad "+err.Error())
		case err != nil:
			out = append(out, "end "+err.Error())
		default:
			js, err := json.Marshal(rec.Values)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, rec.Place.String()+" "+string(js))
		}
	}
	return out
}

func check(t *testing.T, src Source, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, lines(t, src, Auto)); diff != "" {
		t.Errorf("%s: %s", src.Name, diff)
	}
}

func TestFormats(t *testing.T) {
	check(t, file(t, "a.jsonl", "{\"a\":1}\r\n\n{\"a\":null,\"b\":[1]}"), `a.jsonl:1 {"a":1}`, `a.jsonl:3 {"a":null,"b":[1]}`)
	check(t, file(t, "a.csv", "a,b\n1,\"x\ny\"\n2,z\n"), `a.csv:2 {"a":"1","b":"x\ny"}`, `a.csv:4 {"a":"2","b":"z"}`)
	check(t, file(t, "a.csv", "a;b\n1,5;\"x;y\"\n"), `a.csv:2 {"a":"1,5","b":"x;y"}`)
	check(t, file(t, "a.tsv", "a\tb\n1\the said \"no\"\n"), `a.tsv:2 {"a":"1","b":"he said \"no\""}`)
	check(t, file(t, "a.txt", "one\n\n two \n"), `a.txt:1 {"text":"one"}`, `a.txt:3 {"text":"two"}`)
	check(t, file(t, "a.json", `[{"a":1}, 2, {"a":3}]`), `a.json:1 {"a":1}`, "bad a.json:2: a JSON object is needed, this is a single value", `a.json:3 {"a":3}`)
	check(t, file(t, "a.json", `{"version":"1","rows":[{"a":1}]}`), `a.json:1 {"a":1}`)
	check(t, file(t, "a.jsonl", ""))
	check(t, file(t, "a.csv", ""))
}

// A file from a cache may have a name without an extension.
func TestContentTellsTheFormat(t *testing.T) {
	check(t, file(t, "blob", `{"a":1}`+"\n"+`{"a":2}`), `blob:1 {"a":1}`, `blob:2 {"a":2}`)
	check(t, file(t, "blob", "[\n{\"a\":1}\n]"), `blob:1 {"a":1}`)
	check(t, file(t, "blob", "{\n \"rows\": [{\"a\":1}]\n}"), `blob:1 {"a":1}`)
	check(t, file(t, "blob", "a,b\n1,2"), `blob:2 {"a":"1","b":"2"}`)
	check(t, file(t, "blob", "a\tb\n1\t2"), `blob:2 {"a":"1","b":"2"}`)
	check(t, file(t, "blob", "hello"), `blob:1 {"text":"hello"}`)
}

func TestCompression(t *testing.T) {
	var g, z bytes.Buffer
	gw := gzip.NewWriter(&g)
	fmt.Fprint(gw, `{"a":1}`)
	gw.Close()
	zw, err := zstd.NewWriter(&z)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(zw, "a,b\n1,2\n")
	zw.Close()
	check(t, file(t, "a.jsonl.gz", g.String()), `a.jsonl.gz:1 {"a":1}`)
	check(t, file(t, "a.csv.zst", z.String()), `a.csv.zst:2 {"a":"1","b":"2"}`)
	var twice bytes.Buffer
	gw = gzip.NewWriter(&twice)
	gw.Write(g.Bytes())
	gw.Close()
	check(t, file(t, "a.jsonl.gz", twice.String()), `a.jsonl.gz:1 {"a":1}`)
	check(t, file(t, "a.csv.bz2", "BZh91AY&SY\xbf\x87@\x7f\x00\x00\x03Y\x00\x00\x10\x00\x040\x000\x00 \x000\xc0\x08i\xb2\x88#'\x8b\xb9\x22\x9c(H_\xc3\xa0?\x80"), `a.csv.bz2:2 {"a":"1","b":"2"}`)
	got := lines(t, file(t, "cut.csv.zst", z.String()[:z.Len()-3]), Auto)
	if len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "end ") || !strings.Contains(got[len(got)-1], "the zstd data is cut off or damaged") {
		t.Errorf("a cut file was read as %q", got)
	}
}

func TestParquet(t *testing.T) {
	type turn struct {
		Role string `parquet:"role"`
	}
	type record struct {
		Text  string    `parquet:"text"`
		Label int64     `parquet:"label"`
		Flag  *bool     `parquet:"flag,optional"`
		Score float64   `parquet:"score"`
		At    time.Time `parquet:"at,timestamp(millisecond)"`
		Turns []turn    `parquet:"turns,list"`
		Kinds []int64   `parquet:"kinds,list"`
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[record](&b, parquet.KeyValueMetadata("huggingface", `{"info":{"features":{"label":{"names":["benign","malicious"],"_type":"ClassLabel"},"kinds":{"feature":{"names":["x","y"]},"_type":"Sequence"}}}}`))
	yes := true
	if _, err := w.Write([]record{
		{"a", 1, &yes, 0.5, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), []turn{{"user"}, {"system"}}, []int64{1, 0, 7}}, {"b", 0, nil, 2, time.Unix(0, 0), nil, nil},
	}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	check(t, file(t, "blob", b.String()),
		`blob:1 {"at":"2026-01-02T03:04:05Z","flag":true,"kinds":["y","x",7],"label":"malicious","score":0.5,"text":"a","turns":[{"role":"user"},{"role":"system"}]}`,
		`blob:2 {"at":"1970-01-01T00:00:00Z","flag":null,"kinds":[],"label":"benign","score":2,"text":"b","turns":[]}`)
	got := lines(t, file(t, "a.parquet", b.String()[:b.Len()/2]), Auto)
	if len(got) != 1 || !strings.Contains(got[0], "not a readable Parquet file") {
		t.Errorf("a cut file was read as %q", got)
	}
}

// NaN and Infinity are read as null, and are counted.
func TestParquetNotNumbers(t *testing.T) {
	type record struct {
		Double float64   `parquet:"double"`
		Float  float32   `parquet:"float"`
		List   []float64 `parquet:"list,list"`
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[record](&b)
	nan, inf := math.NaN(), math.Inf(-1)
	if _, err := w.Write([]record{{nan, float32(inf), []float64{1, nan}}, {1, 2, nil}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := file(t, "a.parquet", b.String())
	check(t, path, `a.parquet:1 {"double":null,"float":null,"list":[1,null]}`, `a.parquet:2 {"double":1,"float":2,"list":[]}`)
	n := 0
	for rec := range Scan(path, Options{}) {
		n += rec.NotNumbers
	}
	if n != 3 {
		t.Errorf("%d are counted", n)
	}
}

type chat struct {
	Messages []map[string]string `parquet:"messages,list"`
	Raw      []byte              `parquet:"raw"`
	Label    uint8               `parquet:"label"`
}

func chats(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[chat](&b)
	if _, err := w.Write([]chat{{[]map[string]string{{"role": "user", "content": "a"}}, []byte{0xff}, 200}, {nil, nil, 0}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A damaged file gives an error or other values. It never crashes the program.
func TestDamagedParquet(t *testing.T) {
	whole := chats(t)
	p := filepath.Join(t.TempDir(), "a.parquet")
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 0xff
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
		n := 0
		for range Scan(Source{"a.parquet", p}, Options{Format: Parquet}) {
			if n++; n > 1000 {
				break
			}
		}
	}
	check(t, file(t, "a.parquet", string(whole)), `a.parquet:1 {"label":200,"messages":[{"content":"a","role":"user"}],"raw":"�"}`, `a.parquet:2 {"label":0,"messages":[],"raw":""}`)
}

func TestBrokenTextIsMarked(t *testing.T) {
	for name, content := range map[string]string{"a.jsonl": "{\"a\":\"x\xff\"}", "a.csv": "a,b\nx\xff,1", "a.txt": "x\xff"} {
		for rec, err := range Scan(file(t, name, content), Options{}) {
			if err != nil || rec.Broken["a"]+rec.Broken["text"] != BadUTF8 {
				t.Errorf("%s: %+v, %v", name, rec, err)
			}
		}
	}
}

func TestStoppingEarly(t *testing.T) {
	for _, src := range []Source{file(t, "a.jsonl", "{}\n{}\n"), file(t, "a.json", "[{},{}]"), file(t, "a.csv", "a,b\n1,2\n3,4\n"), file(t, "a.txt", "a\nb\n")} {
		n := 0
		for range Scan(src, Options{}) {
			n++
			break
		}
		if n != 1 {
			t.Errorf("%s: %d records", src.Name, n)
		}
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.jsonl", "a/z.csv.gz", "README.md", ".git/x.json", "_tmp.csv", "data.arrow"} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, left, err := List(dir)
	if diff := cmp.Diff([]string{"_tmp.csv", "data.arrow"}, left); diff != "" {
		t.Errorf("left: %s", diff)
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range got {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff([]string{"a/z.csv.gz", "b.jsonl"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestArrowIsNamed(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"data-00000-of-00001.arrow", "dataset_info.json", "state.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := List(dir); err == nil || !strings.Contains(err.Error(), "dataset.to_parquet") {
		t.Errorf("got %v", err)
	}
}

// Scan ends without a panic on any content, and every record has a place.
func FuzzScan(f *testing.F) {
	for _, s := range []string{"{\"a\":1}\n[", "a,b\n1,\"2", "[{\"a\":", "PAR1xxxxPAR1", "\x1f\x8b\x08", "\xff\xfe", "a\tb\n\"", "{\"a\":[{}]}"} {
		f.Add([]byte(s))
	}
	f.Add(chats(f))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		p := filepath.Join(dir, "blob")
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, format := range []Format{Auto, JSONLines, JSON, CSV, TSV, Lines, Parquet} {
			for rec, err := range Scan(Source{"blob", p}, Options{Format: format}) {
				if err == nil && (rec.Line < 1 || rec.Values == nil) {
					t.Fatalf("%+v", rec)
				}
			}
		}
	})
}
