package merge

import (
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/stepstest"
)

func rows(t *testing.T, texts ...string) artifact.Rows {
	t.Helper()
	var out []artifact.Row
	for _, s := range texts {
		label := artifact.Benign
		if rest, ok := strings.CutPrefix(s, "!"); ok {
			s, label = rest, artifact.Malicious
		}
		out = append(out, artifact.Row{ID: s, Text: s, Label: label, Source: s[:1], Category: "f", Method: "m"})
	}
	r, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), out)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMerge(t *testing.T) {
	for _, c := range []struct {
		name   string
		config Config
		base   []string
		add    [][]string
		want   string
		note   string
	}{
		{"order", Config{}, []string{"a", "!b"}, [][]string{{"c"}, {"!d"}}, "a !b c !d", ""},
		{"duplicates", Config{}, []string{"a"}, [][]string{{"A ", "c"}, {"c", "d"}}, "a c d", "1 rows were left out: their text"},
		{"rows that are given twice", Config{}, []string{"a"}, [][]string{{"a", "b"}, {"b"}}, "a b", ""},
		{"equal texts that are wanted", Config{Equal: "keep"}, []string{"a"}, [][]string{{"A ", "c"}, {"c"}}, "a A  c c", ""},
		{"the base keeps its own", Config{}, []string{"a", "a"}, [][]string{{"b"}}, "a a b", ""},
		{"both labels", Config{}, []string{"a"}, [][]string{{"!a"}}, "a", "the other label, as of row \"a\" (\"a\")"},
		{"family caps", Config{Family: map[string]int{"f": 0}}, []string{"x0"}, [][]string{{"x1"}}, "x0", "as of row \"x1\""},
		{"caps", Config{Caps: map[string]int{"x": 1}}, []string{"x0"}, [][]string{{"x1", "x2", "y1"}}, "x0 x1 y1", "1 rows were left out: their source or category is at its cap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := In{Base: rows(t, c.base...)}
			for _, a := range c.add {
				in.Add = append(in.Add, rows(t, a...))
			}
			env := stepstest.New(t, "rows")
			out, err := run(t.Context(), env.Env, c.config, in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := out.Rows.Read()
			if err != nil {
				t.Fatal(err)
			}
			var texts []string
			for _, r := range got {
				mark := ""
				if r.Label == artifact.Malicious {
					mark = "!"
				}
				texts = append(texts, mark+r.Text)
			}
			if s := strings.Join(texts, " "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
			if notes := strings.Join(env.Notes, "; "); !strings.Contains(notes, c.note) || (c.note == "") != (notes == "") {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
			if env.Metrics["total_samples"] != float64(len(got)) {
				t.Errorf("metrics %v", env.Metrics)
			}
		})
	}
}

func TestNearDuplicatesAndWeights(t *testing.T) {
	long := "please translate this long letter to my landlord into polite German and keep the paragraphs as they are today"
	in := In{Base: rows(t, long), Add: []artifact.Rows{rows(t, strings.Replace(long, "today", "now", 1), "something else entirely, about fishing")}}
	env := stepstest.New(t, "rows")
	out, err := run(t.Context(), env.Env, Config{Near: 0.6, Weight: map[string]float64{"m": 0.5}}, in)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := out.Rows.Read()
	if len(got) != 2 || got[1].Weight != 0.5 || got[0].Weight != 0 {
		t.Errorf("%+v", got)
	}
}

func TestIDsStayUnique(t *testing.T) {
	a, b := rows(t, "a"), filepath.Join(t.TempDir(), "b")
	if _, err := artifact.WriteRows(b, []artifact.Row{{ID: "a", Text: "other", Label: artifact.Benign}}); err != nil {
		t.Fatal(err)
	}
	out, err := run(t.Context(), stepstest.New(t, "rows").Env, Config{}, In{a, []artifact.Rows{{Path: b}}})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := out.Rows.Read()
	if len(got) != 2 || got[0].ID != "a" || got[1].ID == "a" || !strings.HasPrefix(got[1].ID, "a+") {
		t.Errorf("%+v", got)
	}
}

func TestBrokenPartIsNamed(t *testing.T) {
	_, err := run(t.Context(), stepstest.New(t, "rows").Env, Config{}, In{rows(t, "a"), []artifact.Rows{{Path: "missing"}}})
	if err == nil || !strings.Contains(err.Error(), "add 1: ") {
		t.Errorf("got %v", err)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []Config{{Near: 0.3}, {Near: 2}, {Caps: map[string]int{"a": -1}}, {Weight: map[string]float64{"a": 0}}} {
		if c.Validate() == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}
