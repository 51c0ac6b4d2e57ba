package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rein/cache"
	"rein/cmd/rein/internal/runlog"
	"rein/cmd/rein/internal/view"
	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/human"
	"rein/pipelines/lang"
)

func (a *app) showCmd() *cobra.Command {
	var l loadFlags
	var resolved bool
	c := &cobra.Command{
		Use:   "show [RUN | FILE|DIR...]",
		Short: "Show a past run, or a pipeline as it is after inheritance",
		Long: `show RUN shows a past run: its steps, what they measured, what they cost. RUN is an id or the
beginning of one, last (which is what is shown without RUN), or last~1 for the run before it.
show --resolved FILE shows what a pipeline is after inheritance, and where each value came from.

EXIT STATUS
  0  shown
  2  there is no such run, or the pipeline file is wrong`,
		Example: `  rein show
  rein show last~1
  rein show 20261123T143012042-1f3a9c --json
  rein show --resolved pipelines/hybrid.hcl`,
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case resolved || len(args) > 1 || len(args) == 1 && isPipelinePath(args[0]):
				return a.showResolved(args, &l)
			case len(args) == 1:
				return a.showRun(args[0])
			}
			return a.showRun("last")
		},
	}
	l.register(c)
	a.completeRuns(c, &l)
	c.Flags().BoolVar(&resolved, "resolved", false, "the pipeline after inheritance")
	c.Flags().BoolVar(&a.json, "json", false, "as JSON")
	return c
}

func (a *app) showRun(id string) error {
	store, err := a.store(true)
	if err != nil {
		return err
	}
	defer store.Close()
	ids, err := store.Runs()
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return configError(fmt.Errorf("no run %q: there are no runs yet", id))
	}
	if id, err = findRun(ids, id); err != nil {
		return configError(err)
	}
	r, err := runlog.Read(store, id)
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.out, r)
	}
	return a.printRun(r)
}

// findRun finds a run in ids, which are sorted oldest first: by its id, by a unique beginning of it, or as last, last~1, last~2, ...
func findRun(ids []string, name string) (string, error) {
	newest := ids[len(ids)-1]
	if back, ok := strings.CutPrefix(name, "last"); ok {
		n := 0
		if back != "" {
			var err error
			if n, err = strconv.Atoi(strings.TrimPrefix(back, "~")); err != nil || !strings.HasPrefix(back, "~") || n < 0 {
				return "", fmt.Errorf("no run %q: want last, or last~1 for the one before it", name)
			}
		}
		if n >= len(ids) {
			return "", fmt.Errorf("no run %q: there are %s", name, human.Many(len(ids), "run"))
		}
		return ids[len(ids)-1-n], nil
	}
	var found []string
	for _, id := range ids {
		if id == name {
			return id, nil
		}
		if name != "" && strings.HasPrefix(id, name) {
			found = append(found, id)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fmt.Errorf("%q is the beginning of %d runs, from %s to %s: give more of it", name, len(found), found[0], found[len(found)-1])
	}
	return "", fmt.Errorf("no run %q; rein log lists them, the newest is %s", name, newest)
}

func (a *app) printRun(r *record.Run) error {
	t, paint := a.table(a.out), human.NewPalette(a.color(a.out))
	fact := func(name, value string) {
		if value != "" {
			t.Row(name, value)
		}
	}
	fact("run", r.ID)
	fact("command", strings.Join(r.Command, " "))
	fact("started", r.Started.Local().Format("2006-01-02 15:04:05"))
	fact("took", human.Duration(r.Ended.Sub(r.Started)))
	fact("outcome", r.Verdict)
	fact("steps", view.StatusText(runlog.StatusCounts(r)))
	revision := r.Git.Revision
	if r.Git.Dirty {
		revision = cmp.Or(revision, "no commit yet,") + " with uncommitted changes"
	}
	fact("git", revision)
	host := fmt.Sprintf("%s, %s/%s, %d cores", r.Host.CPU, r.Host.OS, r.Host.Arch, r.Host.Cores)
	if r.Host.Memory > 0 {
		host += ", " + human.Bytes(r.Host.Memory)
	}
	fact("host", strings.TrimPrefix(host, ", "))
	var libraries []string
	for _, k := range slices.Sorted(maps.Keys(r.Versions)) {
		libraries = append(libraries, strings.TrimPrefix(k, "github.com/")+" "+r.Versions[k])
	}
	fact("libraries", strings.Join(libraries, ", "))
	if err := t.Write(a.out); err != nil {
		return err
	}
	shown := map[string]string{}
	for _, p := range r.Pipelines {
		title := p.Name
		if p.Title != "" {
			title += ": " + p.Title
		}
		fmt.Fprintf(a.out, "\n%s\n", paint.Bold(title+" ("+p.File+")"))
		if err := a.printRecorded(p, shown); err != nil {
			return err
		}
	}
	return nil
}

// printRecorded prints the steps of a pipeline that weren't printed with another pipeline. Of steps that weren't needed it prints only the
// names.
func (a *app) printRecorded(p record.Pipeline, shown map[string]string) error {
	t, paint := a.table(a.out), human.NewPalette(a.color(a.out))
	row := func(cells ...string) []string {
		if t.Width > 0 && t.Width < typeWidth {
			cells = slices.Delete(slices.Delete(cells, 4, 5), 1, 2)
		}
		return cells
	}
	t.Painted(paint.Dim, row("  step", "type", "status", "time", "peak memory", "measured")...)
	folded := map[string][]string{}
	for _, s := range p.Steps {
		if first := shown[s.ActionID]; s.ActionID != "" && first != "" {
			folded["as in "+first] = append(folded["as in "+first], s.Name)
			continue
		}
		shown[s.ActionID] = p.Name
		if s.Status == string(engine.StatusNotNeeded) {
			folded[s.Status] = append(folded[s.Status], s.Name)
			continue
		}
		memory := ""
		if s.Result.PeakRSS > 0 {
			memory = human.Bytes(s.Result.PeakRSS)
		}
		measured := metricsText(s.Result)
		if s.Error != "" {
			measured = "error: " + human.Safe(firstLine(s.Error))
		}
		t.Row(row("  "+s.Name, s.Type, s.Status, milliseconds(s.Result.RunMS), memory, measured)...)
	}
	for _, k := range sortedKeys(folded) {
		t.Line(paint.Dim, "  "+k+": "+strings.Join(folded[k], ", "))
	}
	for _, s := range p.Steps {
		if slices.ContainsFunc(sortedKeys(folded), func(k string) bool { return slices.Contains(folded[k], s.Name) }) {
			continue
		}
		for _, n := range s.Result.Notes {
			lines := strings.Split(n, "\n")
			t.Line(nil, fmt.Sprintf("  note, %s: %s", s.Name, human.Safe(lines[0])))
			for _, l := range lines[1:] {
				t.Line(nil, "    "+human.Safe(l))
			}
		}
	}
	return t.Write(a.out)
}

// metricsText is the first few figures of a step, the main ones first, with their intervals. JSON has all of them.
func metricsText(r cache.Result) string {
	const most = 4
	figures := compare.FiguresOf(r.Metrics)
	names := sortedKeys(figures)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(render.MainRank(a), render.MainRank(b)) })
	var parts []string
	for i, k := range names {
		if i == most {
			parts = append(parts, "...")
			break
		}
		parts = append(parts, render.Label(k)+" "+render.Format(k, figures[k]))
	}
	return strings.Join(parts, ", ")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func (a *app) showResolved(args []string, l *loadFlags) error {
	p, err := a.load(args, l)
	if err != nil {
		return err
	}
	var all []*lang.Resolved
	for _, pipe := range p.Pipelines {
		all = append(all, pipe.Resolve())
	}
	if a.json {
		return writeJSON(a.out, all)
	}
	for i, r := range all {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		if _, err := a.out.Write(r.HCL()); err != nil {
			return err
		}
	}
	return nil
}
