package split

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rein/steps/artifact"
	"rein/steps/internal/leak"
	"rein/steps/internal/text"
	"rein/steps/stepstest"
)

// row makes a text that is like no other.
func row(source, label string, n int) artifact.Row {
	rng := text.RNG(int64(n), source, label)
	var words []string
	for range 12 {
		words = append(words, fmt.Sprintf("w%d", rng.IntN(5000)))
	}
	id := fmt.Sprintf("%s-%s-%d", source, label, n)
	return artifact.Row{ID: id, Root: id, Text: strings.Join(words, " "), Label: label, Source: source}
}

// corpus has the given numbers of sources and rows of each label in each.
func corpus(sources, perLabel int) []artifact.Row {
	var out []artifact.Row
	for s := range sources {
		for n := range perLabel {
			out = append(out, row(fmt.Sprint("s", s), artifact.Benign, n), row(fmt.Sprint("s", s), artifact.Malicious, n))
		}
	}
	return out
}

func config(by string) Config {
	return Config{By: by, Near: leak.DefaultNear, Seed: 1, Choosing: validationSources}
}

// divide runs the step and returns each row's set by id.
func divide(t testing.TB, c Config, rows []artifact.Row) (map[string]string, *stepstest.Env, error) {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	in, err := artifact.WriteRows(filepath.Join(t.TempDir(), "in"), rows)
	if err != nil {
		t.Fatal(err)
	}
	env := stepstest.New(t, "train", "validation", "pool", "test", "unseen")
	out, err := run(t.Context(), env.Env, c, In{Rows: []artifact.Rows{in}})
	if err != nil {
		return nil, env, err
	}
	of := map[string]string{}
	for name, part := range map[string]artifact.Rows{"train": out.Train, "validation": out.Validation, "pool": out.Pool, "test": out.Test, "unseen": out.Unseen} {
		rs, err := part.Read()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			if before, twice := of[r.ID]; twice {
				t.Errorf("%s is in %s and in %s", r.ID, before, name)
			}
			of[r.ID] = name
			if name == "pool" && r.Label != artifact.Benign {
				t.Errorf("the pool has %s, which is %s", r.ID, r.Label)
			}
		}
	}
	if left := int(env.Metrics["left_out_rows"]); len(of)+left != len(rows) {
		t.Errorf("%d of %d rows came out, %d are said to be left out", len(of), len(rows), left)
	}
	return of, env, nil
}

func count(of map[string]string, label string) map[string]int {
	n := map[string]int{}
	for id, s := range of {
		if strings.Contains(id, "-"+label+"-") {
			n[s]++
		}
	}
	return n
}

func TestBySource(t *testing.T) {
	of, env, err := divide(t, config("auto"), corpus(60, 20))
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]string{}
	for id, s := range of {
		source, _, _ := strings.Cut(id, "-")
		if s == "test" {
			s = "pool"
		}
		if before, ok := in[source]; ok && before != s {
			t.Errorf("%s is in %s and %s", source, before, s)
		}
		in[source] = s
	}
	for label, want := range map[string][]string{artifact.Benign: {"train", "validation", "pool", "test", "unseen"}, artifact.Malicious: {"train", "validation", "test", "unseen"}} {
		got := count(of, label)
		for _, s := range want {
			if got[s] < 60 { // half of the smallest share of 1,200
				t.Errorf("%s has %d %s rows", s, got[s], label)
			}
		}
	}
	if len(env.Notes) > 0 {
		t.Errorf("notes: %q", env.Notes)
	}
}

// With fewer sources for validation, what it leaves trains.
func TestFewerValidationSources(t *testing.T) {
	sources := func(choosing int) map[string]int {
		c := config("auto")
		c.Choosing = choosing
		of, _, err := divide(t, c, corpus(60, 20))
		if err != nil {
			t.Fatal(err)
		}
		seen, n := map[string]bool{}, map[string]int{}
		for id, s := range of {
			source, _, _ := strings.Cut(id, "-")
			if !seen[source] {
				seen[source] = true
				n[s]++
			}
		}
		return n
	}
	nine, five := sources(9), sources(5)
	if five["validation"] < 5 || five["validation"] >= nine["validation"] || five["train"] <= nine["train"] {
		t.Errorf("sources with 9 for validation: %v, with 5: %v", nine, five)
	}
}

func TestByCluster(t *testing.T) {
	rows := corpus(1, 1000)
	for i := range rows {
		rows[i].Source = ""
	}
	of, env, err := divide(t, config("auto"), rows)
	if err != nil {
		t.Fatal(err)
	}
	b, m := count(of, artifact.Benign), count(of, artifact.Malicious)
	for s, want := range map[string][2]int{"train": {550, 700}, "validation": {200, 200}, "pool": {150, 0}, "test": {100, 100}, "unseen": {0, 0}} {
		if d := b[s] - want[0]; d < -50 || d > 50 {
			t.Errorf("%s has %d benign rows, want about %d", s, b[s], want[0])
		}
		if d := m[s] - want[1]; d < -50 || d > 50 {
			t.Errorf("%s has %d malicious rows, want about %d", s, m[s], want[1])
		}
	}
	if got := strings.Join(env.Notes, "; "); !strings.Contains(got, "unseen is empty") || !strings.Contains(got, "too few sources") {
		t.Errorf("notes: %s", got)
	}
}

// Sets that come from elsewhere get nothing.
func TestEmptySets(t *testing.T) {
	for _, by := range []string{"source", "cluster"} {
		for _, none := range [][]string{{"pool"}, {"test"}, {"pool", "test"}, {"unseen"}, {"pool", "test", "unseen"}} {
			c := config(by)
			c.Fractions = map[string]float64{}
			for _, s := range none {
				c.Fractions[s] = 0
			}
			of, _, err := divide(t, c, corpus(40, 10))
			if err != nil {
				t.Fatal(err)
			}
			n := map[string]int{}
			for _, s := range of {
				n[s]++
			}
			for _, s := range none {
				if n[s] > 0 {
					t.Errorf("by %s without %v: %v", by, none, n)
				}
			}
			if n["train"] < 200 || n["validation"] < 40 {
				t.Errorf("by %s without %v: %v", by, none, n)
			}
		}
	}
}

func TestAFewSourcesAreHeldOut(t *testing.T) {
	of, _, err := divide(t, config("auto"), corpus(5, 200))
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]map[string]int{}
	for id, s := range of {
		source, _, _ := strings.Cut(id, "-")
		if in[source] == nil {
			in[source] = map[string]int{}
		}
		in[source][s]++
	}
	heldOut := 0
	for source, n := range in {
		if n["unseen"] > 0 {
			heldOut++
			if len(n) > 1 {
				t.Errorf("%s is unseen and elsewhere: %v", source, n)
			}
		}
	}
	if heldOut != 1 {
		t.Errorf("%d sources are held out, want 1", heldOut)
	}
}

// A row keeps its side when rows are added: more of the same source, a new source, copies of known rows.
func TestStableWhenRowsAreAdded(t *testing.T) {
	for _, by := range []string{"source", "cluster"} {
		rows := corpus(100, 15)
		before, _, err := divide(t, config(by), rows)
		if err != nil {
			t.Fatal(err)
		}
		more := append([]artifact.Row{}, rows...)
		for i := range 100 {
			more = append(more, row("s3", artifact.Benign, 1000+i), row("new", artifact.Malicious, i))
			c := rows[i]
			c.ID, c.Root, c.Text = fmt.Sprint("copy-benign-", i), "", strings.ToUpper(c.Text)
			more = append(more, c)
		}
		after, _, err := divide(t, config(by), more)
		if err != nil {
			t.Fatal(err)
		}
		for id, s := range before {
			if after[id] != s {
				t.Fatalf("by %s: %s moved from %s to %s", by, id, s, after[id])
			}
		}
	}
}

func TestSeedDecides(t *testing.T) {
	rows := corpus(40, 5)
	c := config("source")
	a, _, _ := divide(t, c, rows)
	b, _, _ := divide(t, c, rows)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
	c.Seed = 2
	if d, _, _ := divide(t, c, rows); cmp.Equal(a, d) {
		t.Error("another seed gave the same sides")
	}
}

// Whatever the rows, none may be lost or doubled, no cluster may be in two sets, and every set that needs both labels must have them.
func TestNothingLeaks(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		var rows []artifact.Row
		for i := range rapid.IntRange(60, 200).Draw(rt, "n") {
			r := row(fmt.Sprint("s", rapid.IntRange(0, 15).Draw(rt, "source")), rapid.SampledFrom(labelNames[:]).Draw(rt, "label"), i)
			if i > 0 && rapid.IntRange(0, 3).Draw(rt, "copy") == 0 {
				o := rows[rapid.IntRange(0, i-1).Draw(rt, "of")]
				if rapid.Bool().Draw(rt, "descends") {
					r.Root = o.Root
				} else {
					r.Text = o.Text + " " + rapid.SampledFrom([]string{"", "now", "please"}).Draw(rt, "word")
				}
			}
			rows = append(rows, r)
		}
		in, err := artifact.WriteRows(filepath.Join(dir, "in"), rows)
		if err != nil {
			rt.Fatal(err)
		}
		c := config(rapid.SampledFrom([]string{"auto", "source", "cluster"}).Draw(rt, "by"))
		g, err := group(t.Context(), c, In{Rows: []artifact.Rows{in}})
		if err != nil {
			rt.Fatal(err)
		}
		p, err := assign(c, g)
		if err != nil {
			if !strings.Contains(err.Error(), "too few") && !strings.Contains(err.Error(), "none of the") {
				rt.Fatal(err)
			}
			return
		}
		of := map[string]string{}
		cl, side := leak.NewClusters(leak.DefaultNear), map[int]set{}
		for _, r := range rows {
			cl.Add(r)
		}
		for i, r := range rows {
			s := p.of[g.of[i]]
			of[r.ID] = s.String()
			if before, ok := side[cl.First(i)]; ok && before != s {
				rt.Fatalf("%s is in %s, its cluster in %s", r.ID, s, before)
			}
			side[cl.First(i)] = s
		}
		for _, label := range labelNames {
			n := count(of, label)
			if n["train"] == 0 || n["validation"] == 0 || n["test"] == 0 {
				rt.Fatalf("%s: %v", label, n)
			}
		}
	})
}

func TestByTime(t *testing.T) {
	rows := corpus(3, 200)
	for i := range rows {
		rows[i].Time = fmt.Sprintf("2026-01-%02dT00:00:00.000Z", 1+i*28/len(rows))
	}
	of, _, err := divide(t, config("time"), rows)
	if err != nil {
		t.Fatal(err)
	}
	newest := map[string]string{}
	oldest := map[string]string{}
	for _, r := range rows {
		s := of[r.ID]
		newest[s] = max(newest[s], r.Time)
		if oldest[s] == "" || r.Time < oldest[s] {
			oldest[s] = r.Time
		}
	}
	if oldest["test"] < newest["validation"] || oldest["validation"] < newest["train"] {
		t.Errorf("newest %v, oldest %v", newest, oldest)
	}
	rows[7].Time = ""
	if _, _, err := divide(t, config("time"), rows); err == nil || !strings.Contains(err.Error(), `row 7 (id "s0-malicious-3") has no time`) {
		t.Errorf("got %v", err)
	}
}

func TestRefusals(t *testing.T) {
	benignOnly := corpus(3, 5)
	for i := range benignOnly {
		benignOnly[i].Label = artifact.Benign
	}
	odd := corpus(3, 5)
	odd[4].Label = "maybe"
	for want, rows := range map[string][]artifact.Row{
		"none of the 30 rows is malicious":           benignOnly,
		`row 4 (id "s0-benign-2"): label "maybe"`:    odd,
		"there are too few to have some in each set": corpus(1, 1),
		"none of the 0 rows is benign: every set ":   nil,
	} {
		if _, _, err := divide(t, config("auto"), rows); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for want, f := range map[string]map[string]float64{
		"nothing is left to train on": {"test": 0.7}, "train gets what the others leave": {"train": 0.5}, `no "tests"`: {"tests": 0.1}, "negative": {"pool": -0.1},
	} {
		c := Config{By: "auto", Fractions: f}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
