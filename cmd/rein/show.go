package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rein/cmd/rein/internal/view"
	"rein/engine/record"
	"rein/pipelines/lang"
)

func (a *app) showCmd() *cobra.Command {
	var l loadFlags
	var resolved bool
	c := &cobra.Command{
		Use:   "show [RUN | FILE|DIR...]",
		Short: "Show a past run, or a pipeline as it is after inheritance",
		Long: `show RUN shows a past run: its steps, what they measured, what they cost ("last" is the newest).
show --resolved FILE shows what a pipeline is after inheritance, and where each value came from.

EXIT STATUS
  0  shown
  2  there is no such run, or the pipeline file is wrong`,
		Example: `  rein show last
  rein show 20261123T143012042-1f3a9c --json
  rein show --resolved pipelines/hybrid.hcl`,
		RunE: func(_ *cobra.Command, args []string) error {
			if resolved || len(args) != 1 || isPipelinePath(args[0]) {
				return a.showResolved(args, &l)
			}
			return a.showRun(args[0])
		},
	}
	l.register(c)
	a.complete(c, &l)
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
	if id == "last" {
		id = ids[len(ids)-1]
	} else if !slices.Contains(ids, id) {
		return configError(fmt.Errorf("no run %q; rein log lists them, the newest is %s", id, ids[len(ids)-1]))
	}
	r, err := readRun(store, id)
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.out, r)
	}
	return printRun(a.out, r)
}

func printRun(w io.Writer, r *record.Run) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fact := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, value)
		}
	}
	fact("run", r.ID)
	fact("command", strings.Join(r.Command, " "))
	fact("started", r.Started.Local().Format("2006-01-02 15:04:05"))
	fact("took", view.Duration(r.Ended.Sub(r.Started)))
	fact("verdict", r.Verdict)
	fact("steps", countStatuses(r))
	revision := r.Git.Revision
	if r.Git.Dirty {
		revision += " with uncommitted changes"
	}
	fact("git", revision)
	host := fmt.Sprintf("%s, %s/%s, %d cores", r.Host.CPU, r.Host.OS, r.Host.Arch, r.Host.Cores)
	if r.Host.Memory > 0 {
		host += ", " + view.Bytes(r.Host.Memory)
	}
	fact("host", strings.TrimPrefix(host, ", "))
	for _, k := range slices.Sorted(maps.Keys(r.Versions)) {
		fact("library", k+" "+r.Versions[k])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, p := range r.Pipelines {
		title := p.Name
		if p.Title != "" {
			title += ": " + p.Title
		}
		fmt.Fprintf(w, "\n%s (%s)\n", title, p.File)
		if err := printSteps(w, p.Steps); err != nil {
			return err
		}
	}
	return nil
}

func printSteps(w io.Writer, steps []record.Step) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  step\ttype\tstatus\ttime\tpeak memory\tmeasured")
	for _, s := range steps {
		memory := ""
		if s.Result.PeakRSS > 0 {
			memory = view.Bytes(s.Result.PeakRSS)
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\n", s.Name, s.Type, s.Status,
			milliseconds(s.Result.RunMS), memory, metricsText(s.Result.Metrics))
		if s.Error != "" {
			fmt.Fprintf(t, "  \t\terror: %s\n", view.Safe(firstLine(s.Error)))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range steps {
		for _, n := range s.Result.Notes {
			lines := strings.Split(n, "\n")
			fmt.Fprintf(w, "  note, %s: %s\n", s.Name, view.Safe(lines[0]))
			for _, l := range lines[1:] {
				fmt.Fprintf(w, "    %s\n", view.Safe(l))
			}
		}
	}
	return nil
}

// metricsText is the first few metrics of a step; JSON has all.
func metricsText(m map[string]float64) string {
	const most = 4
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if strings.HasSuffix(k, "_low") || strings.HasSuffix(k, "_high") {
			continue
		}
		if len(parts) == most {
			parts = append(parts, "...")
			break
		}
		parts = append(parts, k+"="+strconv.FormatFloat(m[k], 'g', 5, 64))
	}
	return strings.Join(parts, " ")
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
