package table

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func checkWith(t *testing.T, src Source, o Options, want ...string) {
	t.Helper()
	var got []string
	for rec, err := range Scan(src, o) {
		if err != nil {
			got = append(got, "end "+err.Error())
			continue
		}
		js, err := json.Marshal(rec.Values)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rec.Place.String()+" "+string(js))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", src.Name, diff)
	}
}

// All records of a JSON file are read, or the error says what the file holds.
func TestJSONFiles(t *testing.T) {
	both := `{"train":[{"a":1},{"a":2}],"test":[{"a":3}]}`
	check(t, file(t, "a.json", both), `a.json:train:1 {"a":1}`, `a.json:train:2 {"a":2}`, `a.json:test:1 {"a":3}`)
	checkWith(t, file(t, "a.json", both), Options{Lists: []string{"test"}}, `a.json:1 {"a":3}`)
	check(t, file(t, "a.json", `{"rows":[{"a":1}],"errors":[{"b":1}]}`), `end a.json: this JSON holds several lists of records: rows (1), errors (1). Name those to read, as in splits = ["rows", "errors"]`)
	check(t, file(t, "a.json", `{"tags":["x","y"],"meta":{"n":1},"data":{"rows":[{"a":1}]}}`), `a.json:1 {"a":1}`)
	checkWith(t, file(t, "a.json", `{"benign":["a","b"],"malicious":["c"]}`), Options{IsPart: func(s string) bool { return s == "benign" || s == "malicious" }},
		`a.json:benign:1 {"text":"a"}`, `a.json:benign:2 {"text":"b"}`, `a.json:malicious:1 {"text":"c"}`)
	check(t, file(t, "a.json", `["a","b"]`), `a.json:1 {"text":"a"}`, `a.json:2 {"text":"b"}`)
	// One record in any layout. A conversation isn't a list of records.
	chat := `{"messages":[{"role":"user","content":"a"}],"label":1}`
	check(t, file(t, "a.json", chat), `a.json:1 {"label":1,"messages":[{"content":"a","role":"user"}]}`)
	check(t, file(t, "a.json", chat+"\n"+chat+"\n"), `a.json:1 {"label":1,"messages":[{"content":"a","role":"user"}]}`, `a.json:2 {"label":1,"messages":[{"content":"a","role":"user"}]}`)
	check(t, file(t, "a.json", "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n"), `a.json:1 {"a":1}`, `a.json:2 {"a":2}`)
	check(t, file(t, "a.json", `{"a":1}{"a":2}`), `a.json:1 {"a":1}`, `a.json:2 {"a":2}`)
	// Columns, as data frames write them.
	for _, s := range []string{`{"a":["x","y"],"b":[0,1]}`, `{"a":{"0":"x","1":"y"},"b":{"0":0,"1":1}}`, `{"0":{"a":"x","b":0},"1":{"a":"y","b":1}}`} {
		check(t, file(t, "a.json", s), `a.json:1 {"a":"x","b":0}`, `a.json:2 {"a":"y","b":1}`)
	}
	check(t, file(t, "a.json", `{"columns":["a","b"],"index":[0,1],"data":[["x",0],["y",1]]}`), `a.json:1 {"a":"x","b":0}`, `a.json:2 {"a":"y","b":1}`)
	check(t, file(t, "a.json", `{"columns":["a","b"],"data":[["x",0],["y"]]}`), `end a.json: row 2 has 1 values, there are 2 columns`)
	check(t, file(t, "a.json", `{"schema":{"fields":[{"name":"a","type":"string"}],"pandas_version":"1.4.0"},"data":[{"a":"x"}]}`), `a.json:1 {"a":"x"}`)
	// Rows of Hugging Face's dataset server, with the names of their classes.
	check(t, file(t, "a.json", `{"features":[{"name":"a","type":{"_type":"Value"}},{"name":"b","type":{"names":["bad","good"],"_type":"ClassLabel"}}],"rows":[{"row_idx":0,"row":{"a":"x","b":0},"truncated_cells":[]},{"row_idx":1,"row":{"a":"y","b":-1},"truncated_cells":[]},{"row_idx":2,"row":{"a":"z","b":1},"truncated_cells":["a"]}],"num_rows_total":3}`),
		`a.json:1 {"a":"x","b":"bad"}`, `a.json:2 {"a":"y","b":-1}`, `bad a.json:3: the dataset server has cut a off: download the data set's files instead`)
	// Byte order marks, also in concatenated files.
	check(t, file(t, "a.jsonl", "\ufeff{\"a\":1}\n\ufeff{\"a\":2}\n"), `a.jsonl:1 {"a":1}`, `a.jsonl:2 {"a":2}`)
	check(t, file(t, "a.json", "\ufeff[{\"a\":1}]"), `a.json:1 {"a":1}`)
	check(t, file(t, "a.json", "\ufeff"+both), `a.json:train:1 {"a":1}`, `a.json:train:2 {"a":2}`, `a.json:test:1 {"a":3}`)
	// An array in a file whose name says otherwise.
	check(t, file(t, "a.jsonl", "[\n{\"a\":1}\n]"), `a.jsonl:1 {"a":1}`)
	for text, want := range map[string]string{
		`[{"a":1}] x`:                         "a.json: after the end of the records, not JSON",
		`[{"a":1}][{"a":2}]`:                  "a.json: more follows after the end of the records",
		`{"rows":[{"a":1}]}]`:                 "not JSON",
		`{}`:                                  "no list of records",
		`{"rows":[{"a":1}],"rows":[{"a":2}]}`: `the key "rows" is there twice`,
		`{"rows":[{"a":1}]`:                   "not JSON",
		`{"a":1}` + "\n" + `{"a`:              "bad a.json:2: not JSON",
	} {
		got := lines(t, file(t, "a.json", text), Auto)
		if len(got) == 0 || !strings.Contains(got[len(got)-1], want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// Values that JSON doesn't allow, or that can be read in two ways, are marked or refused.
func TestJSONThatIsNearlyRight(t *testing.T) {
	check(t, file(t, "a.jsonl", `{"a":1,"b":2,"a":3}`+"\n"+`{"a":{"x":1},"b":[{"x":1,"x":1}]}`+"\n"+`{"a":{"x":1},"b":{"x":":"}}`),
		`bad a.jsonl:1: the key "a" is there twice`, `bad a.jsonl:2: the key "x" is there twice`, `a.jsonl:3 {"a":{"x":1},"b":{"x":":"}}`)
	check(t, file(t, "a.jsonl", `{"a":NaN,"b":[-Infinity,1,Infinity],"c":"NaN -Infinity \" NaN"}`), `a.jsonl:1 {"a":null,"b":[null,1,null],"c":"NaN -Infinity \" NaN"}`)
	check(t, file(t, "a.json", `[{"a":NaN},{"a":-1}]`), `a.json:1 {"a":null}`, `a.json:2 {"a":-1}`)
	for text, want := range map[string]map[string]string{
		`{"a":"\ud83d\ude00","b":"\\ud800"}`: nil,
		`{"a":"x\ud83d","b":"y"}`:            {"a": badSurrogate},
		`{"a":"x","b":["\udc00\ud83d"]}`:     {"b": badSurrogate},
		"{\"a\":\"x\xff\",\"b\":\"y\"}":      {"a": BadUTF8},
	} {
		for rec, err := range Scan(file(t, "a.jsonl", text), Options{}) {
			if diff := cmp.Diff(want, rec.Broken); err != nil || diff != "" {
				t.Errorf("%s: %v %s", text, err, diff)
			}
		}
	}
	n := 0
	for rec := range Scan(file(t, "a.json", `[{"a":NaN,"b":[NaN]},{"a":0}]`), Options{}) {
		n += rec.NotNumbers
	}
	if n != 2 {
		t.Errorf("%d NaN", n)
	}
}

// The filter finds words that are divided between two reads.
func TestNumberFilterAcrossReads(t *testing.T) {
	for pad := 32<<10 - 12; pad < 32<<10+3; pad++ {
		text := "[" + strings.Repeat(" ", pad) + `{"a":-Infinity,"b":"NaN"}]`
		check(t, file(t, "a.json", text), `a.json:1 {"a":null,"b":"NaN"}`)
	}
}

// FuzzJSON checks that we read an object as encoding/json does, unless we report an error.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":{"b":[1,2,{"c":null}]},"d":"\ud83d\ude00"}`, `{"a":"\ud800"}`, `{"a":1,"a":2}`, `{"a":NaN}`, "{\"a\":\"\xff\"}", `{"\u0061":1,"a":2}`, `{"a":"\\\"\\u"}`} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "\n\x00") {
			return
		}
		var want map[string]any
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		valid := json.Valid([]byte(s)) && dec.Decode(&want) == nil && want != nil
		p := filepath.Join(dir, "a.jsonl")
		if err := os.WriteFile(p, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
		for rec, err := range Scan(Source{"a.jsonl", p}, Options{Format: JSONLines}) {
			switch {
			case err != nil && valid && !strings.Contains(err.Error(), "is there twice"):
				t.Fatalf("%q: %v; encoding/json reads %v", s, err, want)
			case err == nil && !valid && rec.NotNumbers == 0 && !strings.HasPrefix(s, string(bom)):
				t.Fatalf("%q is read as %v", s, rec.Values)
			case err == nil && valid:
				if diff := cmp.Diff(want, rec.Values); diff != "" {
					t.Fatalf("%q: %s", s, diff)
				}
				if strings.ContainsRune(s, 0xFFFD) || strings.Contains(strings.ToLower(s), `\ufffd`) {
					break
				}
				if b, _ := json.Marshal(want); strings.Contains(string(b), `\ufffd`) && rec.Broken == nil {
					t.Fatalf("%q: repaired without a word", s)
				}
			}
		}
	})
}
