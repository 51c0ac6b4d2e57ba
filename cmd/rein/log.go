package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rein/cache"
	"rein/cmd/rein/internal/view"
	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/human"
)

func (a *app) logCmd() *cobra.Command {
	var n int
	c := &cobra.Command{
		Use:   "log",
		Short: "List past runs, the newest first",
		Long: `log lists past runs. rein show RUN shows one of them.

EXIT STATUS
  0  always, unless the state folder can't be read (3)`,
		Example: "  rein log -n 5\n  rein log --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := notNegative("--number", n); err != nil {
				return err
			}
			store, err := a.store(true)
			if err != nil {
				return err
			}
			defer store.Close()
			runs, broken, err := readRuns(store, n)
			if err != nil {
				return err
			}
			for _, err := range broken {
				fmt.Fprintf(a.err, "note: left out: %v\n", err)
			}
			if a.json {
				return writeJSON(a.out, runs)
			}
			if len(runs) == 0 {
				fmt.Fprintln(a.err, "no runs yet; rein run makes the first")
				return nil
			}
			return a.logTable(runs)
		},
	}
	c.Flags().IntVarP(&n, "number", "n", 20, "at most this many; 0 for all")
	c.Flags().BoolVar(&a.json, "json", false, "the records as JSON")
	return c
}

// readRuns reads the newest n run records (0: all), newest first, and says which can't be read.
func readRuns(store *cache.Store, n int) (runs []*record.Run, broken []error, err error) {
	ids, err := store.Runs()
	if err != nil {
		return nil, nil, err
	}
	slices.Reverse(ids)
	runs = []*record.Run{}
	for _, id := range ids {
		if n > 0 && len(runs) == n {
			break
		}
		r, err := readRun(store, id)
		if err != nil {
			broken = append(broken, err)
			continue
		}
		runs = append(runs, r)
	}
	return runs, broken, nil
}

func readRun(store *cache.Store, id string) (*record.Run, error) {
	raw, err := store.ReadRun(id)
	if err != nil {
		return nil, err
	}
	var r record.Run
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("run %s: %w", id, err)
	}
	return &r, nil
}

func (a *app) logTable(runs []*record.Run) error {
	t, paint := a.table(a.out), human.NewPalette(a.color(a.out))
	t.Painted(paint.Dim, "run", "started", "took", "outcome", "steps", "pipelines")
	for _, r := range runs {
		var names []string
		for _, p := range r.Pipelines {
			names = append(names, p.Name)
		}
		row := t.Row
		if r.Verdict != "pass" {
			row = func(cells ...string) { t.Painted(paint.Warn, cells...) }
		}
		row(r.ID, r.Started.Local().Format("2006-01-02 15:04"), human.Duration(r.Ended.Sub(r.Started)), r.Verdict, countStatuses(r), strings.Join(names, " "))
	}
	return t.Write(a.out)
}

// countStatuses is "12 ran, 3 cached".
func countStatuses(r *record.Run) string {
	counts := map[string]int{}
	for _, p := range r.Pipelines {
		for _, s := range p.Steps {
			counts[s.Status]++
		}
	}
	var parts []string
	for _, st := range view.Statuses {
		if n := counts[string(st)]; n > 0 && st != engine.StatusNotNeeded {
			parts = append(parts, fmt.Sprintf("%d %s", n, st))
		}
	}
	return strings.Join(parts, ", ")
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// writeJSONLine writes v on one line: for what programs read.
func writeJSONLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func milliseconds(ms int64) string { return human.Duration(time.Duration(ms) * time.Millisecond) }
