package table

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// counted returns how many records of a file are good, and the lines of those that aren't.
func counted(t testing.TB, src Source) (good int, bad []int64) {
	t.Helper()
	for _, err := range Scan(src, Options{}) {
		var b *BadRecord
		switch {
		case errors.As(err, &b):
			bad = append(bad, b.Line)
		case err != nil:
			t.Fatal(err)
		default:
			good++
		}
	}
	return good, bad
}

// A stray quote makes its own line a bad record, but no other line.
func TestStrayQuotes(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		good int
		bad  string
	}{
		"opens and never closes":          {"text,label\n\"a,0\nb,1\nc,0\n", 2, "[2]"},
		"closes in a later row":           {"text,label\n\"a,0\nb,1\nc\",0\nd,1\n", 2, "[2 4]"},
		"closes where another opens":      {"text,label\n\"a,0\nb,1\n\"c, d\",0\nd,1\n", 3, "[2]"},
		"two of them, neighbours":         {"text,label\n\"a,0\n\"b,1\nc,0\n", 1, "[2 3]"},
		"in the middle":                   {"text,label\na \"b\" c,0\nd,1\n", 1, "[2]"},
		"a text of several lines is one":  {"text,label\n\"a\nb, c\n\nd\",0\ne,1\n", 2, "[]"},
		"a text that looks a bit like it": {"text,label\n\"Dear all,\nthanks, Anna\",0\ne,1\n", 2, "[]"},
		"quotes written twice":            {"text,label\n\"say \"\"no\"\",\nor \"\"yes\"\"\",0\ne,1\n", 2, "[]"},
		"quoted header":                   {"\"text\",\"label\"\n\"a\",\"0\"\n", 1, "[]"},
	} {
		for _, end := range []string{"\n", "\r\n"} {
			good, bad := counted(t, file(t, "a.csv", strings.ReplaceAll(c.text, "\n", end)))
			if good != c.good || fmt.Sprint(bad) != c.bad {
				t.Errorf("%s: %d good, bad %v; want %d, %s", name, good, bad, c.good, c.bad)
			}
		}
	}
	var b strings.Builder
	b.WriteString("id,text,label\n")
	for i := range 200 {
		text := fmt.Sprintf("prompt %d", i)
		switch i {
		case 20:
			text = `"` + text
		case 199:
			text += `"`
		}
		fmt.Fprintf(&b, "%d,%s,%d\n", i, text, i%2)
	}
	if good, bad := counted(t, file(t, "a.csv", b.String())); good != 198 || fmt.Sprint(bad) != "[22 201]" {
		t.Errorf("200 rows with two stray quotes: %d good, bad %v", good, bad)
	}
	check(t, file(t, "a.tsv", "id\ttext\n1\t\"hello\n2\tworld\n3\t\"bye\" they say\n4\t\"a \"\"b\"\"\"\n5\t\"two\nlines\"\n6\tx\"\n"),
		`a.tsv:2 {"id":"1","text":"\"hello"}`, `a.tsv:3 {"id":"2","text":"world"}`, `a.tsv:4 {"id":"3","text":"\"bye\" they say"}`, `a.tsv:5 {"id":"4","text":"a \"b\""}`,
		`a.tsv:6 {"id":"5","text":"two\nlines"}`, `a.tsv:8 {"id":"6","text":"x\""}`)
	check(t, file(t, "a.tsv", "text\tid\n\"hello\t1\nworld\t2\nbye\"\t3\n"), `a.tsv:2 {"id":"1","text":"\"hello"}`, `a.tsv:3 {"id":"2","text":"world"}`, `a.tsv:4 {"id":"3","text":"bye\""}`)
}

// A file whose lines end with a carriage return alone is an error, not one long header.
func TestCarriageReturnsAlone(t *testing.T) {
	for _, text := range []string{"text,label\ra,0\rb,1\r", "text,label\ra,0"} {
		if got := lines(t, file(t, "a.csv", text), Auto); len(got) != 1 || !strings.Contains(got[0], "carriage return alone") {
			t.Errorf("%q is read as %q", text, got)
		}
	}
	check(t, file(t, "a.csv", "text,label\r\na,0\r\n"), `a.csv:2 {"label":"0","text":"a"}`)
}

// Rows that a writer wrote are read back unchanged. TSV texts with both tabs and line breaks are left out, because they can be read in two
// ways.
func TestWrittenCSVComesBack(t *testing.T) {
	dir := t.TempDir()
	piece := rapid.SampledFrom([]string{"a", "B c", ",", "\"", "\n", "é", "0", " ", ";", "yes, no", "\"\"", "x\n\ny"})
	rapid.Check(t, func(t *rapid.T) {
		var texts []string
		for range rapid.IntRange(1, 8).Draw(t, "rows") {
			texts = append(texts, "free text, always "+strings.Join(rapid.SliceOf(piece).Draw(t, "text"), ""))
		}
		for _, comma := range []rune{',', '\t'} {
			var b strings.Builder
			w := csv.NewWriter(&b)
			w.Comma = comma
			w.Write([]string{"label", "text"})
			for i, s := range texts {
				w.Write([]string{[]string{"safe", "unsafe"}[i%2], s})
			}
			w.Flush()
			name := map[rune]string{',': "a.csv", '\t': "a.tsv"}[comma]
			p := filepath.Join(dir, name)
			if err := os.WriteFile(p, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			var got []string
			for rec, err := range Scan(Source{name, p}, Options{}) {
				if err != nil {
					t.Fatalf("%q: %v", b.String(), err)
				}
				got = append(got, rec.Values["text"].(string))
			}
			if diff := cmp.Diff(texts, got); diff != "" {
				t.Fatalf("%q: %s", b.String(), diff)
			}
		}
	})
}

// FuzzCSV checks that we read what encoding/csv reads, unless that package swallows rows, and that no line is missing without a bad record.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a,b\n\"1,2\n3,4\n", "a,b\r\n\"x\r\ny\",2\r\n", "a,b\n\"\"\"\",\n", "a\n\n\"b\n", "a,b\n1,2,3\n\"", ",\n,\n"} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, s string) {
		p := filepath.Join(dir, "a.csv")
		if err := os.WriteFile(p, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(s, "PAR1") || strings.HasPrefix(s, "\x1f\x8b") || strings.HasPrefix(s, "\x28\xb5\x2f\xfd") || strings.HasPrefix(s, "\xff\xfe") || strings.HasPrefix(s, "\xfe\xff") {
			return
		}
		r := csv.NewReader(strings.NewReader(strings.TrimPrefix(s, string(bom))))
		if strings.HasPrefix(strings.ToLower(strings.Trim(s, "\"")), "sep=") || strings.Contains(s, "\x00") {
			return
		}
		r.Comma = rune(separator([]byte(s[:min(len(s), sniff)]), CSV))
		want, err := r.ReadAll()
		if err != nil {
			return
		}
		var got [][]string
		for rec, err := range Scan(Source{"a.csv", p}, Options{Format: CSV}) {
			if err != nil {
				if strings.Contains(err.Error(), "two columns are called") || strings.Contains(err.Error(), "carriage return alone") || strings.Contains(err.Error(), "the file is ") || strings.Contains(err.Error(), "looks like a row") {
					return
				}
				t.Fatalf("%q: %v; encoding/csv reads %q", s, err, want)
			}
			var fields []string
			for _, n := range rec.Names {
				fields = append(fields, rec.Values[n].(string))
			}
			got = append(got, fields)
		}
		for i := range want {
			for j := range want[i] {
				want[i][j] = strings.ToValidUTF8(want[i][j], "\uFFFD")
			}
		}
		if diff := cmp.Diff(want[min(1, len(want)):], got); diff != "" && len(want) > 1 {
			t.Fatalf("%q: %s", s, diff)
		}
	})
}
