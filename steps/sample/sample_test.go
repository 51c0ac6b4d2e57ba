package sample

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rein/steps/artifact"
	"rein/steps/stepstest"
)

func TestAllot(t *testing.T) {
	for _, c := range []struct {
		size      int
		available map[string]int
		shares    map[string]float64
		want      map[string]int
		notes     string
	}{
		{10, map[string]int{"a": 100, "b": 100}, map[string]float64{"a": 0.7, "b": 0.3}, map[string]int{"a": 7, "b": 3}, ""},
		{10, map[string]int{"a": 30, "b": 10}, nil, map[string]int{"a": 8, "b": 2}, ""}, // 7.5 and 2.5
		{3, map[string]int{"a": 2}, nil, map[string]int{"a": 2}, "asked for 3 rows, there are 2"},
		{10, map[string]int{"a": 2, "b": 30, "c": 10}, map[string]float64{"a": 0.5, "b": 0.5}, map[string]int{"a": 2, "b": 8}, `stratum "a": 5 rows are its share, there are 2`},
		{10, map[string]int{"a": 2, "b": 3, "c": 10}, map[string]float64{"a": 0.5, "b": 0.5}, map[string]int{"a": 2, "b": 3, "c": 5}, `stratum "a"`},
	} {
		got, notes := Allot(c.size, c.available, c.shares)
		maps.DeleteFunc(got, func(_ string, n int) bool { return n == 0 })
		if !maps.Equal(got, c.want) || !strings.Contains(strings.Join(notes, "; "), c.notes) || (c.notes == "") != (len(notes) == 0) {
			t.Errorf("Allot(%d, %v, %v) = %v, %q, want %v, %q", c.size, c.available, c.shares, got, notes, c.want, c.notes)
		}
	}
}

func TestAllotGivesWhatIsAskedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		available := rapid.MapOfN(rapid.StringMatching(`[a-e]`), rapid.IntRange(1, 50), 1, 5).Draw(t, "available")
		size := rapid.IntRange(0, 120).Draw(t, "size")
		var shares map[string]float64
		if rapid.Bool().Draw(t, "shares") {
			w := rapid.MapOfN(rapid.StringMatching(`[a-e]`), rapid.IntRange(1, 9), 1, 5).Draw(t, "weights")
			shares = map[string]float64{}
			sum := 0
			for _, n := range w {
				sum += n
			}
			for s, n := range w {
				shares[s] = float64(n) / float64(sum)
			}
		}
		got, _ := Allot(size, available, shares)
		total, have := 0, 0
		for s, n := range got {
			if n < 0 || n > available[s] {
				t.Fatalf("%s: %d of %d", s, n, available[s])
			}
			total += n
		}
		for _, n := range available {
			have += n
		}
		if total != min(size, have) {
			t.Fatalf("%v: %d rows, want %d", got, total, min(size, have))
		}
	})
}

func sampleIDs(t *testing.T, rows []artifact.Row, c Config) ([]string, *stepstest.Env) {
	t.Helper()
	in, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	env := stepstest.New(t, "rows")
	out, err := run(t.Context(), env.Env, c, In{Rows: in})
	if err != nil {
		t.Fatal(err)
	}
	got, err := out.Rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range got {
		ids = append(ids, r.ID)
	}
	return ids, env
}

func fixture(n int) []artifact.Row {
	rows := make([]artifact.Row, n)
	for i := range rows {
		rows[i] = artifact.Row{ID: fmt.Sprint(i), Text: fmt.Sprintf("prompt %d", i), Category: []string{"x", "y"}[i%2], Score: float64(i)}
	}
	return rows
}

// Rows that no model has scored aren't counted as its false positives.
func TestCountsFalsePositivesOnly(t *testing.T) {
	rows := fixture(30)
	for i := range rows {
		rows[i].Score = 0
	}
	_, env := sampleIDs(t, rows, Config{Size: 10, By: "category", Order: "random", Seed: 1})
	if _, ok := env.Metrics["unique_fps"]; ok || env.Metrics["sampled_rows"] != 10 {
		t.Errorf("metrics %v", env.Metrics)
	}
}

func TestSampleIsStable(t *testing.T) {
	rows := fixture(100)
	c := Config{Size: 20, By: "category", Order: "random", Seed: 1}
	first, env := sampleIDs(t, rows, c)
	if len(first) != 20 || env.Metrics["unique_fps"] != 20 || env.Metrics["coverage"] != 0.2 {
		t.Errorf("%d rows, metrics %v", len(first), env.Metrics)
	}
	reversed := slices.Clone(rows)
	slices.Reverse(reversed)
	again, _ := sampleIDs(t, reversed, c)
	slices.Sort(first)
	slices.Sort(again)
	if !slices.Equal(first, again) {
		t.Error("the order of the rows changed the choice")
	}
	c.Seed = 2
	if other, _ := sampleIDs(t, rows, c); slices.Equal(first, slices.Sorted(slices.Values(other))) {
		t.Error("the seed doesn't change the choice")
	}
}

func TestSampleOrders(t *testing.T) {
	rows := fixture(10)
	if ids, _ := sampleIDs(t, rows, Config{Size: 4, By: "category", Order: "score", Seed: 1}); strings.Join(ids, " ") != "6 7 8 9" {
		t.Errorf("by score: %v", ids)
	}
	// Nine copies of one text and one other: spread takes the other among the first two.
	long := "please translate this long letter to my landlord into polite German and keep the paragraphs as they are"
	rows = nil
	for i := range 9 {
		rows = append(rows, artifact.Row{ID: fmt.Sprint(i), Text: long})
	}
	rows = append(rows, artifact.Row{ID: "other", Text: "how do I kill a process that listens on port 8080 without root rights on this box"})
	for seed := range 5 {
		if ids, _ := sampleIDs(t, rows, Config{Size: 2, By: "category", Order: "spread", Seed: seed}); !slices.Contains(ids, "other") {
			t.Errorf("seed %d: spread chose %v", seed, ids)
		}
	}
}

func TestSampleCounts(t *testing.T) {
	c := Config{By: "category", Counts: map[string]int{"x": 3, "y": 60, "z": 1}, Seed: 1}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	ids, env := sampleIDs(t, fixture(100), c)
	if len(ids) != 53 || len(env.Notes) != 2 || !strings.Contains(env.Notes[0], `stratum "y": asked for 60 rows, there are 50`) {
		t.Errorf("%d rows, notes %q", len(ids), env.Notes)
	}
}

func TestSampleClusterCoverage(t *testing.T) {
	text := "please translate this long letter to my landlord into polite German and keep the paragraphs as they are"
	rows := []artifact.Row{{ID: "a", Text: text}, {ID: "b", Text: text + " now"}, {ID: "c", Text: "how do I kill a process"}, {ID: "d", Text: "what is phishing and how does it work"}}
	_, env := sampleIDs(t, rows, Config{Size: 3, By: "label", Order: "spread", Seed: 1})
	if env.Metrics["clusters"] != 3 || env.Metrics["cluster_coverage"] != 1 {
		t.Errorf("%v", env.Metrics)
	}
}

func TestSampleByLength(t *testing.T) {
	rows := []artifact.Row{{ID: "s", Text: "short"}, {ID: "m", Text: strings.Repeat("m", 100)}, {ID: "l", Text: strings.Repeat("l", 300)}}
	if ids, _ := sampleIDs(t, rows, Config{Counts: map[string]int{"long": 1, "short": 1}, By: "length"}); strings.Join(ids, " ") != "s l" {
		t.Errorf("got %v", ids)
	}
}

func TestSampleConfig(t *testing.T) {
	for want, c := range map[string]Config{
		"say how many":         {},
		"add up to 0.9":        {Size: 1, Quotas: map[string]float64{"a": 0.9}},
		"share of 0 or more":   {Size: 1, Quotas: map[string]float64{"a": -1}},
		"in place of size":     {Size: 1, Counts: map[string]int{"a": 1}},
		`counts: "a" is -1`:    {Counts: map[string]int{"a": -1}},
		"size: -1 is negative": {Size: -1},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestSampleOfNothing(t *testing.T) {
	ids, env := sampleIDs(t, nil, Config{Size: 1, By: "category"})
	if len(ids) != 0 || len(env.Notes) == 0 {
		t.Errorf("%v, notes %q", ids, env.Notes)
	}
}

// The reserve fills up what is missing, nothing else, highest score first.
func TestReserveStandsIn(t *testing.T) {
	reserve := fixture(50)
	for i := range reserve {
		reserve[i].ID = "near " + reserve[i].ID
	}
	spare, err := artifact.WriteRows(filepath.Join(t.TempDir(), "reserve"), reserve)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rows, size, near int
	}{{5, 8, 3}, {8, 8, 0}, {0, 4, 4}, {5, 100, 50}} {
		rows, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), fixture(c.rows))
		if err != nil {
			t.Fatal(err)
		}
		env := stepstest.New(t, "rows")
		out, err := run(t.Context(), env.Env, Config{Size: c.size, By: "category", Order: "random", Seed: 1}, In{rows, spare})
		if err != nil {
			t.Fatal(err)
		}
		got, err := out.Rows.Read()
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for i := range min(c.rows, c.size) {
			want = append(want, fmt.Sprint(i))
		}
		for i := 50 - c.near; i < 50; i++ {
			want = append(want, fmt.Sprint("near ", i))
		}
		var ids []string
		for _, r := range got {
			ids = append(ids, r.ID)
		}
		if !slices.Equal(ids, want) || env.Metrics["near_misses"] != float64(c.near) || env.Metrics["unique_fps"] != float64(min(c.rows, c.size)) {
			t.Errorf("%+v: %v, metrics %v", c, ids, env.Metrics)
		}
	}
}
