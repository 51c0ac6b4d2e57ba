package runlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rein/cache"
	"rein/engine"
	"rein/engine/record"
)

func open(t *testing.T) *cache.Store {
	t.Helper()
	s, err := cache.Open(filepath.Join(t.TempDir(), ".rein"), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func reader(t *testing.T, of *cache.Store) *cache.Store {
	t.Helper()
	s, err := cache.Open(of.Dir(), cache.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Another process follows a run from any place in it, while it goes and to its end, without writing anything.
func TestFollow(t *testing.T) {
	store := open(t)
	w := NewWriter(store)
	w.Event(engine.Event{Action: engine.ActionNote, Text: "before the run has a name"})
	w.Begin(&record.Run{ID: "r1", Pipelines: []record.Pipeline{{Name: "p", Steps: []record.Step{{Name: "s"}}}}})
	w.Event(engine.Event{Action: engine.ActionLog, Text: "one"})
	other := reader(t, store)
	live, err := Live(other)
	if err != nil || len(live) != 1 || live[0].ID != "r1" || live[0].Pipelines[0].Steps[0].Name != "s" {
		t.Fatalf("live runs %v, %v", live, err)
	}
	var got []string
	var behindOne int64
	err = Follow(context.Background(), other, "r1", 0, func(line []byte, next int64) error {
		got = append(got, string(line))
		if strings.Contains(string(line), "one") {
			behindOne = next
			w.Event(engine.Event{Action: engine.ActionLog, Text: "two"}) // while it is followed
			w.Close()
		}
		return nil
	})
	if err != nil || len(got) != 3 || !strings.Contains(got[0], "before") || !strings.Contains(got[2], "two") {
		t.Fatalf("followed %q, %v", got, err)
	}
	got = nil
	if err := Follow(context.Background(), other, "r1", behindOne, func(line []byte, _ int64) error { got = append(got, string(line)); return nil }); err != nil || len(got) != 1 {
		t.Errorf("behind the second: %q, %v", got, err)
	}
	if live, err := Live(other); err != nil || len(live) != 0 {
		t.Errorf("after its end: %v, %v", live, err)
	}
	stop := errors.New("enough")
	if err := Follow(context.Background(), other, "r1", 0, func([]byte, int64) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	if err := Follow(context.Background(), other, "none", 0, nil); err != nil {
		t.Errorf("a run without events: %v", err)
	}
}

// A torn last line is not given to anybody.
func TestFollowTorn(t *testing.T) {
	store := open(t)
	w := NewWriter(store)
	w.Begin(&record.Run{ID: "r1"})
	w.Event(engine.Event{Action: engine.ActionLog, Text: "whole"})
	w.Close()
	path := store.RunEvents("r1")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(b, `{"action":"lo`...), 0o644); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := Follow(context.Background(), store, "r1", 0, func([]byte, int64) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("%d lines, %v", n, err)
	}
	if err := os.WriteFile(path, []byte(`{"id":"r`), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := Head(store, "r1"); err == nil {
		t.Errorf("a torn head is %v", r)
	}
}

// A step that tells its progress, or prints, without end doesn't fill the disk; how it ends is always there.
func TestWriterIsFrugal(t *testing.T) {
	store := open(t)
	w := NewWriter(store)
	w.Begin(&record.Run{ID: "r1"})
	at := time.Unix(1000, 0)
	for i := range 1001 {
		w.Event(engine.Event{Time: at.Add(time.Duration(i) * time.Millisecond), Action: engine.ActionProgress, Step: "s", Done: int64(i), Total: 1000})
	}
	line := strings.Repeat("x", 1<<20)
	for range 40 {
		w.Event(engine.Event{Action: engine.ActionLog, Step: "s", Text: line})
	}
	w.Event(engine.Event{Action: engine.ActionEnd, Step: "s", Status: engine.StatusRan})
	w.Close()
	var progress, logs int
	var last string
	err := Follow(context.Background(), store, "r1", 0, func(line []byte, _ int64) error {
		switch {
		case strings.Contains(string(line), `"progress"`):
			progress++
		case strings.Contains(string(line), `"log"`):
			logs++
		}
		last = string(line)
		return nil
	})
	if err != nil || progress != 5 || logs != 33 || !strings.Contains(last, `"ran"`) {
		t.Errorf("%d lines of progress, %d of log, the last is %.80s; %v", progress, logs, last, err)
	}
}

// The events of the newest runs are kept, and those of one that still goes.
func TestPrune(t *testing.T) {
	store := open(t)
	first := NewWriter(store)
	first.Begin(&record.Run{ID: "r000"})
	for i := 1; i <= kept+5; i++ {
		w := NewWriter(store)
		w.Begin(&record.Run{ID: fmt.Sprintf("r%03d", i)})
		w.Close()
	}
	ids, err := store.RunsWithEvents()
	if err != nil || len(ids) > kept+1 || ids[0] != "r000" || slices.Contains(ids, "r001") || !slices.Contains(ids, fmt.Sprintf("r%03d", kept+5)) {
		t.Errorf("%d kept: %v, %v", len(ids), ids, err)
	}
	first.Close()
}

// However long the lines and wherever they are torn, the summaries say of each run what was written last of it.
func TestSummariesAreReadFromTheEnd(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var text bytes.Buffer
		want := map[string]string{}
		for i := range rapid.IntRange(0, 12).Draw(rt, "lines") {
			id := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "id")
			line := fmt.Sprintf(`{"id":"%s","n":%d,"x":"%s"}`, id, i, strings.Repeat("x", rapid.IntRange(0, 90).Draw(rt, "length")))
			fmt.Fprintf(&text, "\n%s\n", line)
			want[id] = line
			if rapid.Bool().Draw(rt, "torn") {
				text.WriteString(`{"id":"torn`)
			}
		}
		path := filepath.Join(t.TempDir(), "summaries")
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			rt.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			rt.Fatal(err)
		}
		s := summaries{file: f, at: int64(text.Len()), block: int64(rapid.IntRange(1, 200).Draw(rt, "block")), lines: map[string][]byte{}}
		defer s.close()
		for _, id := range rapid.Permutation([]string{"a", "b", "c", "d", "e"}).Draw(rt, "asked") {
			if got, err := s.of(id); err != nil || string(got) != want[id] {
				rt.Fatalf("run %s: %q, %v; want %q", id, got, err, want[id])
			}
		}
	})
}

// Summaries that a fault of the file system has made endless, or that are no file, count as missing: the records are read.
func TestSummariesThatAreNoSummaries(t *testing.T) {
	for what, put := range map[string]func(path string) error{
		"endless": func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<42)) },
		"folder":  func(path string) error { return os.Mkdir(path, 0o700) },
		"link":    func(path string) error { return os.Symlink(filepath.Base(path), path) },
	} {
		t.Run(what, func(t *testing.T) {
			store := open(t)
			text, err := (&record.Run{ID: "r", Verdict: "pass"}).Encode()
			if err == nil {
				err = store.WriteRun("r", text)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := put(store.RunSummaries()); err != nil {
				t.Skip(err)
			}
			runs, broken, err := History(store, 0, nil, func(Summary) bool { return true })
			if err != nil || len(broken) > 0 || len(runs) != 1 || runs[0].ID != "r" {
				t.Errorf("%v, %v, %v", runs, broken, err)
			}
		})
	}
}

// BenchmarkHistory10000 is what rein log asks of 10,000 runs of four pipelines: the newest 20, and all.
func BenchmarkHistory10000(b *testing.B) {
	store, err := cache.Open(filepath.Join(b.TempDir(), ".rein"), cache.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 10000 {
		r := &record.Run{ID: fmt.Sprintf("%s-%06x", start.Add(time.Duration(i)*time.Minute).Format("20060102-150405"), i), Started: start, Verdict: "pass", Git: record.Git{Revision: strings.Repeat("0a1b", 10)}}
		for p := range 4 {
			metrics := map[string]float64{}
			for _, prefix := range []string{"", "own_", "new_"} {
				for _, m := range []string{"fp_rate", "tp_rate", "f1_macro", "roc_auc", "recall_at_fp_0_5", "recall_at_fp_1", "recall_at_fp_2"} {
					metrics[prefix+m], metrics[prefix+m+"_low"], metrics[prefix+m+"_high"] = float64(i%100)/100, 0.1, 0.9
				}
			}
			r.Pipelines = append(r.Pipelines, record.Pipeline{Name: fmt.Sprint("p", p), File: "p.hcl", Steps: []record.Step{{Name: "test", Status: "ran", Result: cache.Result{Metrics: metrics}}}})
		}
		if err := store.WriteRun(r.ID, []byte("{}")); err != nil {
			b.Fatal(err)
		}
		Remember(store, r)
	}
	for name, n := range map[string]int{"newest 20": 20, "all": 0} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				runs, broken, err := History(store, n, []string{"fp_rate"}, func(Summary) bool { return true })
				if err != nil || len(broken) > 0 || n > 0 && len(runs) != n {
					b.Fatal(len(runs), broken, err)
				}
			}
		})
	}
}
