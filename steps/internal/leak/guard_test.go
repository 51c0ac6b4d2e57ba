package leak

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/stepstest"
)

const story = "please write me a short story about a lighthouse keeper who finds a letter in a bottle on a stormy autumn night near the old harbour"

func write(t *testing.T, rows ...artifact.Row) artifact.Rows {
	t.Helper()
	for i := range rows {
		if rows[i].ID == "" {
			rows[i].ID = fmt.Sprint("row", i)
		}
	}
	out, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func model(t *testing.T, from string, uses ...Use) artifact.Model {
	t.Helper()
	dir := t.TempDir()
	if err := Save(t.Context(), dir, from, uses...); err != nil {
		t.Fatal(err)
	}
	return artifact.Model{Path: dir}
}

func TestGuard(t *testing.T) {
	made := "write a cheerful poem about the winners of the village chess tournament and their dogs in rhymes"
	train := write(t, artifact.Row{ID: "t1", Text: story}, artifact.Row{ID: "m1", Text: made, Method: "synonym", Root: "far"}, artifact.Row{ID: "m2", Text: story + " today", Method: "synonym", Root: "far2"},
		artifact.Row{ID: "t2", Text: "how do I kill a process", Root: "origin"})
	chooses := write(t, artifact.Row{ID: "v1", Text: "what is the weather like"})
	m := model(t, "", Use{Trains, train}, Use{Chooses, chooses})
	honest := artifact.Row{ID: "h", Text: "which planet is the largest one"}
	for name, c := range map[string]struct {
		row   artifact.Row
		rule  Rule
		says  string // expected in the verdict if there is one, else in the note
		stops bool
		out   int
	}{
		"honest rows":           {row: honest, rule: Rule{OnLeak: "stop"}},
		"a trained row":         {artifact.Row{ID: "x", Text: "How do I  KILL a process"}, Rule{OnLeak: "stop"}, `row "t2", which the model was trained on: same text`, true, 0},
		"a row that chose":      {artifact.Row{ID: "x", Text: "what is the weather like"}, Rule{OnLeak: "stop"}, `row "v1", which the model was chosen with`, true, 0},
		"a descendant's origin": {artifact.Row{ID: "origin", Text: "quite different"}, Rule{OnLeak: "stop"}, "same origin", true, 0},
		"a near-duplicate":      {artifact.Row{ID: "x", Text: story + " today"}, Rule{OnLeak: "stop"}, "near-duplicate", true, 0},
		"chance":                {artifact.Row{ID: "x", Text: made + " today"}, Rule{OnLeak: "stop", Tolerance: 0.5}, "within the tolerance of 50%: test: 1 of 2 rows leak", false, 0},
		"too much chance":       {artifact.Row{ID: "x", Text: made}, Rule{OnLeak: "stop", Tolerance: 0.4}, `made row "m1"`, true, 0},
		"made, but real too":    {artifact.Row{ID: "x", Text: story + " today"}, Rule{OnLeak: "stop", Tolerance: 0.5}, `and row "t1"`, true, 0},
		"a made row's origin":   {artifact.Row{ID: "far", Text: "whatever"}, Rule{OnLeak: "stop", Tolerance: 0.5}, "same origin", true, 0},
		"excluded, but half":    {artifact.Row{ID: "x", Text: story}, Rule{OnLeak: "exclude"}, "the model knows 50.0% of these, and at most 1% may be left out", true, 0},
		"chance isn't excluded": {artifact.Row{ID: "x", Text: made}, Rule{OnLeak: "exclude", Tolerance: 0.5}, "within the tolerance", false, 0},
		"recorded":              {artifact.Row{ID: "x", Text: story}, Rule{OnLeak: "record"}, "leakage, recorded", false, 0},
	} {
		env := stepstest.New(t)
		out, err := Guard(t.Context(), env.Env, m, c.rule, Set{"test", write(t, honest, c.row)}, Set{Name: "unseen"})
		said := strings.Join(env.Notes, "\n")
		if err != nil {
			said = err.Error()
		}
		if (err != nil) != c.stops || err != nil && !stepstest.IsVerdict(err) {
			t.Errorf("%s: got %v", name, err)
		}
		if !strings.Contains(said, c.says) || c.says == "" && said != "" {
			t.Errorf("%s: said %q, want %q", name, said, c.says)
		}
		if len(out["test"]) != c.out {
			t.Errorf("%s: leaves out %v", name, out)
		}
	}
}

// Up to one row in a hundred is left out of the figures and counted. One more row stops the run.
func TestGuardExcludes(t *testing.T) {
	var known, reported []artifact.Row
	for i := range 100 {
		known = append(known, artifact.Row{ID: fmt.Sprint("k", i), Text: strings.Repeat(fmt.Sprint("w", i, " "), 9)})
		reported = append(reported, artifact.Row{ID: fmt.Sprint("r", i), Text: strings.Repeat(fmt.Sprint("v", i, " "), 9)})
	}
	m := model(t, "", Use{Trains, write(t, known...)})
	for leaks, stops := range []bool{false, false, true} {
		for i := range leaks {
			reported[i].Text = known[i].Text
		}
		env := stepstest.New(t)
		out, err := Guard(t.Context(), env.Env, m, Rule{OnLeak: "exclude"}, Set{"test", write(t, reported...)})
		if (err != nil) != stops || !stops && len(out["test"]) != leaks || env.Metrics["leaked_rows"] != float64(leaks) {
			t.Errorf("%d leaks: %v, %v, %v", leaks, out, err, env.Metrics)
		}
	}
}

func TestMemoryOfAMemory(t *testing.T) {
	first := model(t, "", Use{Trains, write(t, artifact.Row{Text: story})})
	second := model(t, first.Path, Use{Trains, write(t, artifact.Row{Text: "something new"})})
	copied := t.TempDir()
	if err := Add(t.Context(), second.Path, copied); err != nil {
		t.Fatal(err)
	}
	m, err := load(copied, func() {})
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.Check(t.Context(), "test", write(t, artifact.Row{Text: story}, artifact.Row{Text: "something new"}, artifact.Row{Text: "else"}), nil)
	if err != nil || len(f.Leaked) != 2 || len(m.ids) != 2 {
		t.Errorf("%v, %v", f, err)
	}
}

func TestModelsWithoutMemory(t *testing.T) {
	env := stepstest.New(t)
	if _, err := Guard(t.Context(), env.Env, artifact.Model{Path: t.TempDir()}, Rule{OnLeak: "stop"}, Set{"test", write(t, artifact.Row{Text: "a"})}); err != nil || len(env.Notes) != 1 {
		t.Errorf("%v %q", err, env.Notes)
	}
	if err := Add(t.Context(), t.TempDir(), t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestBrokenMemory(t *testing.T) {
	good := model(t, "", Use{Trains, write(t, artifact.Row{Text: story}, artifact.Row{Text: "b"})})
	b, err := os.ReadFile(filepath.Join(good.Path, File))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"empty": {}, "cut": b[:len(b)-9], "other": []byte("hello")} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, File), content, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := load(dir, func() {}); err == nil || errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Any content of the file gives an error or a memory, never a panic.
func FuzzLoad(f *testing.F) {
	dir := f.TempDir()
	rows, err := artifact.WriteRows(filepath.Join(dir, "rows"), []artifact.Row{{ID: "a", Text: story}, {ID: "b", Text: "b", Method: "synonym"}})
	if err != nil {
		f.Fatal(err)
	}
	if err := Save(f.Context(), dir, "", Use{Trains, rows}, Use{Chooses, rows}); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(dir, File))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("{\"format\":1}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, File), b, 0o644); err != nil {
			t.Fatal(err)
		}
		if m, err := load(dir, func() {}); err == nil && len(m.ids) != len(m.sides) {
			t.Fatal("sides and rows differ")
		}
	})
}
