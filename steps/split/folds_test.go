package split

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rein/steps/artifact"
	"rein/steps/stepstest"
)

// Whatever the sources, each must be a new source in exactly one fold, and no two roles of a fold may share a source.
func TestFoldsRotate(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		var rows []artifact.Row
		for s := range rapid.IntRange(8, 30).Draw(rt, "sources") {
			size := rapid.IntRange(4, 20).Draw(rt, "rows")
			kind := rapid.IntRange(0, 2).Draw(rt, "kind")
			for n := range size {
				for l, label := range labelNames {
					if kind == 2 || kind == l || s < 8 {
						rows = append(rows, row(fmt.Sprint("s", s), label, n))
					}
				}
			}
		}
		in, err := artifact.WriteRows(filepath.Join(dir, "in"), rows)
		if err != nil {
			rt.Fatal(err)
		}
		c := config("auto")
		c.Folds = rapid.IntRange(4, 8).Draw(rt, "folds")
		g, err := group(t.Context(), c, In{Rows: []artifact.Rows{in}})
		if err != nil {
			rt.Fatal(err)
		}
		new := map[string]int{}
		for c.Fold = 1; c.Fold <= c.Folds; c.Fold++ {
			p, err := assign(c, g)
			if err != nil {
				if !strings.Contains(err.Error(), "too few sources for folds") {
					rt.Fatal(err)
				}
				return
			}
			of := map[string]string{}
			for i, r := range rows {
				if s, ok := p.setOf(g, i); ok {
					of[r.ID] = s.String()
				}
			}
			roles := map[string]map[string]bool{}
			for id, s := range of {
				source, _, _ := strings.Cut(id, "-")
				if s == "test" {
					s = "pool"
				}
				if roles[source] == nil {
					roles[source] = map[string]bool{}
				}
				roles[source][s] = true
			}
			for source, in := range roles {
				if len(in) > 1 {
					rt.Fatalf("fold %d: %s has the roles %v", c.Fold, source, in)
				}
				if in["unseen"] {
					new[source]++
				}
			}
			for _, label := range labelNames {
				n := count(of, label)
				if n["train"] == 0 || n["validation"] == 0 || n["test"] == 0 || n["unseen"] == 0 || label == artifact.Benign && n["pool"] == 0 {
					rt.Fatalf("fold %d: %s: %v", c.Fold, label, n)
				}
			}
		}
		for source, n := range new {
			if n != 1 {
				rt.Fatalf("%s is new in %d folds", source, n)
			}
		}
	})
}

func TestFoldsWantSources(t *testing.T) {
	c := config("auto")
	c.Folds, c.Fold = 5, 1
	if _, _, err := divide(t, c, corpus(4, 30)); err == nil || !strings.Contains(err.Error(), "4 have benign rows and 4 malicious ones") || !strings.Contains(err.Error(), "folds = 4 at most") {
		t.Errorf("got %v", err)
	}
	for want, c := range map[string]Config{"at least 4": {By: "auto", Folds: 3, Fold: 1}, "not between 1 and folds = 5": {By: "auto", Folds: 5, Fold: 6}, "rotate sources": {By: "time", Folds: 4, Fold: 1}} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// A given pool is mined, except what is held out as own traffic; its sources choose nothing and are no new ones.
func TestGivenPool(t *testing.T) {
	dir := t.TempDir()
	rows := corpus(40, 20)
	var given []artifact.Row
	for n := range 300 {
		given = append(given, row(fmt.Sprint("s", n%3), artifact.Benign, 1000+n))
	}
	copied := rows[900]
	copied.ID, copied.Root = "copy-benign-1", ""
	given = append(given, copied)
	in, err := artifact.WriteRows(filepath.Join(dir, "in"), rows)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := artifact.WriteRows(filepath.Join(dir, "given"), given)
	if err != nil {
		t.Fatal(err)
	}
	env := stepstest.New(t, "train", "validation", "pool", "test", "unseen")
	out, err := run(t.Context(), env.Env, config("auto"), In{Rows: []artifact.Rows{in}, Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	mine := map[string]int{}
	for name, part := range map[string]artifact.Rows{"train": out.Train, "validation": out.Validation, "pool": out.Pool, "test": out.Test, "unseen": out.Unseen} {
		rs, err := part.Read()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			source := strings.SplitN(r.Source, "-", 2)[0]
			if pooled := source == "s0" || source == "s1" || source == "s2"; pooled && (name == "validation" || name == "unseen") {
				t.Fatalf("%s is in %s, and its source is in the pool", r.ID, name)
			}
			if r.Label == artifact.Benign {
				mine[name]++
			}
			if name == "pool" && !strings.HasPrefix(r.ID, "s") && r.ID != "copy-benign-1" {
				t.Errorf("the pool has %s", r.ID)
			}
		}
	}
	if mine["pool"] < 240 || mine["test"] < 15 || mine["test"] > 60 || mine["pool"]+mine["test"] < 300 {
		t.Errorf("benign rows: %v", mine)
	}
}
