package review

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rein/steps/artifact"
	"rein/steps/stepstest"
)

func fixture(n int) []artifact.Row {
	rows := make([]artifact.Row, n)
	for i := range rows {
		rows[i] = artifact.Row{ID: fmt.Sprint("r", i), Text: fmt.Sprint("text ", i), Label: artifact.Benign, Method: []string{"synonym", "swap"}[i%2]}
	}
	return rows
}

func review(t *testing.T, c Config, rows []artifact.Row, decisions string) ([]artifact.Row, *stepstest.Env, error) {
	t.Helper()
	in := In{}
	var err error
	if in.Rows, err = artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows); err != nil {
		t.Fatal(err)
	}
	if decisions != "" {
		in.Decisions.Path = filepath.Join(t.TempDir(), "review.csv")
		if err := os.WriteFile(in.Decisions.Path, []byte(decisions), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := stepstest.New(t, "rows", "sample", "report")
	out, err := run(t.Context(), env.Env, c, in)
	if err != nil {
		return nil, env, err
	}
	got, err := out.Rows.Read()
	return got, env, err
}

func sample(t *testing.T, rows []artifact.Row, c Config) []artifact.Row {
	t.Helper()
	in, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Sample(t.Context(), in, c)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestSampleIsStratified(t *testing.T) {
	rows := fixture(100)
	n, last := map[string]int{}, -1
	for _, r := range sample(t, rows, Config{Share: 0.1, Seed: 1}) {
		n[r.Method]++
		at := slices.Index(rows, r)
		if at <= last {
			t.Errorf("row %q is out of order or no row of the input", r.ID)
		}
		last = at
	}
	if n["synonym"] != 5 || n["swap"] != 5 {
		t.Errorf("sampled %v", n)
	}
	if len(sample(t, rows[:2], Config{Share: 0.1, Seed: 1})) != 2 {
		t.Error("a method without a sampled row")
	}
	if slices.Equal(sample(t, rows, Config{Share: 0.1, Seed: 1}), sample(t, rows, Config{Share: 0.1, Seed: 2})) {
		t.Error("the seed doesn't matter")
	}
}

// A reviewer's work isn't lost to an edit upstream: of fewer rows, in whatever order, no new ones are drawn.
func TestSampleIsStable(t *testing.T) {
	ids := func(rows []artifact.Row, share float64) []string {
		d := draw{seed: 3, methods: map[string][]ticket{}}
		for _, r := range rows {
			d.add(r)
		}
		var out []string
		for _, at := range d.winners(share) {
			out = append(out, rows[at].ID)
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		rows := fixture(rapid.IntRange(2, 60).Draw(t, "rows"))
		share := rapid.Float64Range(0.05, 1).Draw(t, "share")
		before := ids(rows, share)
		fewer := slices.DeleteFunc(slices.Clone(rows), func(r artifact.Row) bool {
			return !slices.Contains(before, r.ID) && rapid.Bool().Draw(t, "drop")
		})
		slices.Reverse(fewer)
		for _, id := range ids(fewer, share) {
			if !slices.Contains(before, id) {
				t.Fatalf("%q is new in a sample of fewer rows", id)
			}
		}
	})
}

func TestDecisionsAreApplied(t *testing.T) {
	rows := fixture(4)
	csv := "id,verdict,label,note\nr0,accept,,\nr1,reject,,\"flips, the label\"\nr2,relabel,malicious,\n"
	got, env, err := review(t, Config{Share: 1, Seed: 1}, rows, csv)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[1].ID != "r2" || got[1].Label != artifact.Malicious || got[0].Label != artifact.Benign {
		t.Errorf("%+v", got)
	}
	if env.Metrics["review_decided"] != 3 || env.Metrics["review_dropped"] != 1 || env.Metrics["review_acceptance"] != 1.0/3 {
		t.Errorf("metrics %v", env.Metrics)
	}
	if !strings.Contains(strings.Join(env.Notes, ""), "1 of 4 sampled rows are not reviewed") {
		t.Errorf("notes %q", env.Notes)
	}
}

func TestRelabelledRowsLoseTheirCategory(t *testing.T) {
	rows := fixture(2)
	rows[0].Category, rows[1].Category = "semantic jailbreak", "semantic jailbreak"
	got, env, err := review(t, Config{Share: 1, Seed: 1}, rows, "id,verdict,label,note\nr0,relabel,malicious,\nr1,relabel,benign,\ngone,reject,,\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Category != "" || got[0].Label != artifact.Malicious || got[1] != rows[1] {
		t.Errorf("%+v", got)
	}
	if env.Metrics["review_stale"] != 1 || !strings.Contains(strings.Join(env.Notes, ""), "1 decisions are on rows that are not there") {
		t.Errorf("metrics %v, notes %q", env.Metrics, env.Notes)
	}
}

func TestRequireIsAVerdict(t *testing.T) {
	_, _, err := review(t, Config{Share: 1, Require: true, Seed: 1}, fixture(2), "id,verdict,label,note\nr0,accept,,\n")
	if !stepstest.IsVerdict(err) || !strings.Contains(err.Error(), "1 of 2 sampled rows") {
		t.Error(err)
	}
	if _, _, err := review(t, Config{Share: 1, Require: true, Seed: 1}, fixture(1), "id,verdict,label,note\nr0,accept,,\n"); err != nil {
		t.Error(err)
	}
}

func TestBadDecisionsNameTheLine(t *testing.T) {
	for want, csv := range map[string]string{
		":2: row r0: verdict \"maybe\"": "id,verdict,label,note\nr0,maybe,,\n",
		":2: row r0: label \"\"":        "id,verdict,label,note\nr0,relabel,,\n",
		":3: row r0 is decided twice":   "id,verdict,label,note\nr0,accept,,\nr0,reject,,\n",
		":1: columns":                   "id,what,label,note\n",
		"wrong number of fields":        "id,verdict\n",
	} {
		if _, _, err := review(t, Config{Share: 1, Seed: 1}, fixture(1), csv); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", csv, err, want)
		}
	}
}

func TestDecisionsRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "review.csv")
	d := Decisions{"b": {Accept, "", "a \"note\",\nof two lines"}, "a": {Relabel, artifact.Malicious, ""}, "=1": {Reject, "", "=cmd|' /c calc'!A0"}}
	if err := d.Write(path); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "\n'=1,reject,,'=cmd") {
		t.Errorf("a spreadsheet would compute it: %s, %v", text, err)
	}
	got, err := ReadDecisions(path)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(d) {
		t.Errorf("%v, %v", got, err)
	}
}

// The file that several share by a link stays one file, as readable as it was.
func TestDecisionsAreWrittenWhereALinkLeads(t *testing.T) {
	shared, path := filepath.Join(t.TempDir(), "shared.csv"), filepath.Join(t.TempDir(), "review.csv")
	if err := os.WriteFile(shared, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(shared, path); err != nil {
		t.Skip(err)
	}
	if _, err := Change(path, "a", &Decision{Verdict: Accept}); err != nil {
		t.Fatal(err)
	}
	if d, err := ReadDecisions(shared); err != nil || d["a"].Verdict != Accept {
		t.Errorf("%v, %v", d, err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("%v, %v, want the link", info, err)
	}
	if info, err := os.Stat(shared); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v, want its mode", info.Mode(), err)
	}
}
