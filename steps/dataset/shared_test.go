package dataset

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
)

// sharedData is the folder of real prompts, which is not part of the repository.
func sharedData(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("REIN_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real prompts: %v (set REIN_DATA to a folder with benign.jsonl and malicious.jsonl)", err)
	}
	return dir
}

func TestRealData(t *testing.T) {
	rows, env, err := read(t, Config{}, sharedData(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{artifact.Benign, artifact.Malicious} {
		b, err := os.ReadFile(filepath.Join(sharedData(t), label+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(b, []byte("\n")); env.Metrics[label] != float64(n) || n == 0 {
			t.Errorf("%v %s rows of %d lines", env.Metrics[label], label, n)
		}
	}
	if len(env.Notes) > 0 {
		t.Errorf("notes: %q", env.Notes)
	}
	if r := rows[0]; r.ID == "" || r.Category == "" || r.Source == "" || !strings.HasPrefix(r.Root, r.ID+"@") {
		t.Errorf("%+v", r)
	}
}

// Real prompts have all kinds of line breaks, quotes and commas. None may be lost on the way through CSV and TSV.
func TestRealDataThroughCSV(t *testing.T) {
	all, _, err := read(t, Config{}, sharedData(t))
	if err != nil {
		t.Fatal(err)
	}
	var want []artifact.Row
	for i, r := range all {
		if strings.ContainsAny(r.Text, "\"\n\t") && i%3 == 0 || i%50 == 0 {
			want = append(want, r)
		}
	}
	for name, comma := range map[string]rune{"a.csv": ',', "b.csv": ';', "a.tsv": '\t'} {
		path := filepath.Join(t.TempDir(), name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		w := csv.NewWriter(f)
		w.Comma = comma
		header, fields := []string{"label", "text", "source"}, func(r artifact.Row) []string { return []string{r.Label, r.Text, r.Source} }
		if comma == ';' {
			header, fields = []string{"text", "label"}, func(r artifact.Row) []string { return []string{r.Text, r.Label} }
		}
		if err := w.Write(header); err != nil {
			t.Fatal(err)
		}
		for _, r := range want {
			if err := w.Write(fields(r)); err != nil {
				t.Fatal(err)
			}
		}
		if w.Flush(); w.Error() != nil || f.Close() != nil {
			t.Fatal(w.Error())
		}
		got, _, err := read(t, Config{}, path)
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %d rows of %d, %v", name, len(got), len(want), err)
			continue
		}
		for i := range want { // a carriage return before a line break is not kept in CSV
			if strings.ReplaceAll(want[i].Text, "\r\n", "\n") != got[i].Text || want[i].Label != got[i].Label {
				t.Fatalf("%s: row %d: %q, want %q", name, i+1, got[i].Text, want[i].Text)
			}
		}
	}
}
