package engine_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rein/cache"
	"rein/engine"
	"rein/engine/enginetest"
)

// planned is a forecast in one line a step: "p/a cached", with reasons.
func planned(t *testing.T, g *engine.Graph, o engine.Options) string {
	t.Helper()
	f, err := engine.Plan(t.Context(), g, o)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range f.Pipelines {
		for _, s := range p.Steps {
			fmt.Fprintf(&b, "%s/%s %s", p.Name, s.Name, s.Status)
			if len(s.Reasons) > 0 {
				fmt.Fprintf(&b, ": %s", strings.Join(s.Reasons, "; "))
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// trio is base -> mid -> end, with a file and a number to change.
func trio(file string, n int) *engine.Graph {
	base := step("base", &op{Type: "load"}, enginetest.Path("text", engine.PathFile, file))
	mid := step("mid", &op{Type: "augment", Config: map[string]any{"variations": n}}, from("rows", base))
	end := step("end", &op{Type: "train"}, from("rows", mid))
	off := step("off", &op{Type: "train"})
	off.NotNeeded = true
	return graph(base, mid, end, off)
}

func TestPlan(t *testing.T) {
	s := enginetest.Store(t)
	file := write(t, filepath.Join(t.TempDir(), "in.txt"), "x")
	o := options(s)
	check := func(n int, want string) {
		t.Helper()
		if diff := cmp.Diff(want, planned(t, trio(file, n), o)); diff != "" {
			t.Error(diff)
		}
	}
	off := "p/off skipped: not needed: `when` is false\n"
	check(8, "p/base run: never run before\np/mid unknown: waits for step.base\np/end unknown: waits for step.mid\n"+off)
	mustRun(t, trio(file, 8), o)
	check(8, "p/base cached\np/mid cached\np/end cached\n"+off)
	check(10, "p/base cached\np/mid run: variations 8 -> 10\np/end unknown: waits for step.mid\n"+off)
	write(t, file, "longer")
	check(8, "p/base run: input text ("+file+") changed\np/mid unknown: waits for step.base\np/end unknown: waits for step.mid\n"+off)
	o.Force = []string{"mid"}
	write(t, file, "x")
	check(8, "p/base cached\np/mid run: forced\np/end unknown: waits for step.mid\n"+off)
}

// What a plan says is what the run does, and asking changed nothing.
func TestPlanIsExactAndWritesNothing(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(t.TempDir(), "in.txt"), "x")
	w := enginetest.Open(t, dir)
	mustRun(t, trio(file, 8), options(w))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	r, err := cache.Open(dir, cache.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	o := options(r)
	planned(t, trio(file, 10), o)
	if _, err := engine.Why(t.Context(), trio(file, 10), o, "p", "end"); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
		t.Errorf("asking changed the state folder:\n%s", diff)
	}
}

// snapshot is every file of a folder with its content's hash and its time.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		out[p] = fi.Mode().String() + fi.ModTime().String()
		if !d.IsDir() {
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			out[p] += cache.Sum(b).Short()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestForecast(t *testing.T) {
	s := enginetest.Store(t)
	o := options(s)
	o.Jobs = 2
	// History says 100 ms for "a", 300 for "b" and "c", with equal inputs.
	for name, ms := range map[string][]int64{"a": {90, 100, 110}, "b": {300}, "c": {250, 300, 350}} {
		for i, d := range ms {
			key := fmt.Sprintf("%s %d", name, i)
			if err := s.Put(t.Context(), &cache.Entry{Action: cache.Sum([]byte(key)), Type: "fake", Pipeline: "p", Step: name, Key: key,
				Outputs: map[string]cache.Blob{}, Result: cache.Result{RunMS: d, Made: time.Now()}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	a := step("a", &op{Config: map[string]any{"k": 1}})
	b := step("b", &op{Config: map[string]any{"k": 2}}, from("x", a))
	c := step("c", &op{Config: map[string]any{"k": 3}})
	b.Traits.Stage = engine.StageTraining
	f, err := engine.Plan(t.Context(), graph(a, b, c), o)
	if err != nil {
		t.Fatal(err)
	}
	if f.Trainings != 1 || f.TotalMS != 400 || f.CriticalMS != 400 || strings.Join(f.CriticalPath, " ") != "p/a p/b" {
		t.Errorf("%+v", f)
	}
	for _, st := range f.Pipelines[0].Steps {
		if st.Name == "c" && (st.ForecastMS != 300 || st.LowMS != 275 || st.HighMS != 325 || st.Samples != 3) {
			t.Errorf("%+v", st)
		}
	}
	// A step that never ran is forecast by others of its type with inputs at the same ports, and by no others.
	like, unlike := step("like", &op{Config: map[string]any{"k": 4}}), step("unlike", &op{Config: map[string]any{"k": 5}}, from("y", a))
	if f, err = engine.Plan(t.Context(), graph(a, like, unlike), o); err != nil || f.NoHistory != 1 {
		t.Errorf("%+v, %v", f, err)
	}
	for _, st := range f.Pipelines[0].Steps {
		if known := st.ForecastMS > 0; known != (st.Name != "unlike") {
			t.Errorf("%s: forecast of %d ms", st.Name, st.ForecastMS)
		}
	}
	// Nor by those, its own among them, with another value of what its type says that the time depends on; none is the same as empty.
	for name, key := range map[string]string{"other": `"big"`, "none": `""`} {
		if err := s.Put(t.Context(), &cache.Entry{Action: cache.Sum([]byte(name)), Type: "fake", Pipeline: "p", Step: "paced", Key: "config model.base " + key,
			Outputs: map[string]cache.Blob{}, Result: cache.Result{RunMS: map[string]int64{"other": 900000, "none": 500}[name], Made: time.Now()}}); err != nil {
			t.Fatal(err)
		}
	}
	for of, ms := range map[string]int64{"big": 900000, "bigger": 0, "": 500} {
		config := map[string]any{"k": 6}
		if of != "" {
			config["model"] = map[string]any{"base": of}
		}
		paced := step("paced", &op{Config: config})
		paced.Traits.Pace = []string{"model.base"}
		if f, err = engine.Plan(t.Context(), graph(paced), o); err != nil || f.TotalMS != ms {
			t.Errorf("model.base %q: forecast of %d ms, %v", of, f.TotalMS, err)
		}
	}
	o.Jobs = 1
	if f, err = engine.Plan(t.Context(), graph(a, b, c), o); err != nil || f.TotalMS != 700 {
		t.Errorf("-j 1: %d, %v", f.TotalMS, err)
	}
	// The budget refuses before anything starts, and lets through what fits.
	o.Budget = 600 * time.Millisecond
	_, err = engine.Run(t.Context(), graph(a, b, c), o)
	var ce *engine.ConfigError
	if !errors.As(err, &ce) || !strings.Contains(err.Error(), "nothing was started") {
		t.Errorf("%v", err)
	}
	o.Budget = 800 * time.Millisecond
	wantStatuses(t, mustRun(t, graph(a, b, c), o), "a:ran b:ran c:ran")
}

func TestWhy(t *testing.T) {
	s := enginetest.Store(t)
	file := write(t, filepath.Join(t.TempDir(), "in.txt"), "x")
	mustRun(t, trio(file, 8), options(s))
	x, err := engine.Why(t.Context(), trio(file, 10), options(s), "p", "mid")
	if err != nil {
		t.Fatal(err)
	}
	if x.Status != engine.PlanRun || len(x.Changes) != 1 || x.Changes[0].String() != "variations 8 -> 10" || x.Nearest == nil || x.Nearest.Step != "mid" {
		t.Errorf("%+v", x)
	}
	x, err = engine.Why(t.Context(), trio(file, 10), options(s), "", "end")
	if err != nil {
		t.Fatal(err)
	}
	if x.Status != engine.PlanUnknown || len(x.Upstream) != 1 || x.Upstream[0].Step != "mid" {
		t.Errorf("%+v", x)
	}
	x, err = engine.Why(t.Context(), trio(file, 8), options(s), "p", "mid")
	if err != nil {
		t.Fatal(err)
	}
	if x.Status != engine.PlanCached || !strings.Contains(strings.Join(x.Facts, "\n"), "config variations 8") {
		t.Errorf("%+v", x)
	}
	for pipeline, st := range map[string]string{"p": "nobody", "q": "mid"} {
		if _, err := engine.Why(t.Context(), trio(file, 8), options(s), pipeline, st); err == nil || !strings.Contains(err.Error(), st) {
			t.Errorf("%v", err)
		}
	}
}

// A step is compared with its own past, however many other steps have run since; also in an index that was made again.
func TestReasonIsOfTheStepsOwnPast(t *testing.T) {
	s := enginetest.Store(t)
	many := func(first int) *engine.Graph {
		nodes := []*engine.Node{step("s0", &op{Type: "augment", Config: map[string]any{"variations": first, "of": "s0"}})}
		for i := range 300 {
			nodes = append(nodes, step(fmt.Sprint("t", i), &op{Type: "augment", Config: map[string]any{"variations": 8, "of": fmt.Sprint("t", i)}}))
		}
		return graph(nodes...)
	}
	mustRun(t, graph(many(8).Pipelines[0].Nodes[0]), options(s))
	mustRun(t, many(8), options(s))
	check := func() {
		t.Helper()
		f, err := engine.Plan(t.Context(), many(9), options(s))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Pipelines[0].Steps[0].Reasons; len(got) != 1 || got[0] != "variations 8 -> 9" {
			t.Errorf("%q", got)
		}
	}
	check()
	if _, err := s.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	check()
}

// A plan lists a few differences and counts the others, if there are several: one takes no more room than its count.
func TestReasonsAreFew(t *testing.T) {
	s := enginetest.Store(t)
	with := func(changed int) *engine.Graph {
		config := map[string]any{}
		for i := range 8 {
			config[fmt.Sprint("c", i)] = i < changed
		}
		return graph(step("s", &op{Type: "augment", Config: config}))
	}
	mustRun(t, with(0), options(s))
	for changed, last := range map[int]string{5: "c4 false -> true", 6: "c5 false -> true", 7: "and 2 more differences"} {
		f, err := engine.Plan(t.Context(), with(changed), options(s))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Pipelines[0].Steps[0].Reasons; got[len(got)-1] != last {
			t.Errorf("%d: %q", changed, got)
		}
	}
}
