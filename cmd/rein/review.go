package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"rein/cache"
	"rein/cmd/rein/internal/reviewui"
	"rein/engine"
	"rein/pipelines/lang"
	"rein/steps/artifact"
	"rein/steps/review"
)

func (a *app) reviewCmd() *cobra.Command {
	var l loadFlags
	c := &cobra.Command{
		Use:   "review FILE",
		Short: "Look at a sample of new rows and accept, reject or relabel them",
		Long: `review shows the sampled rows of the pipeline's review step, one at a time, and writes the decisions to the step's CSV
file, each at once: it can be stopped and goes on where it was. The file belongs in git; where it isn't there yet, nothing is
decided. A variation stands above the row that it was made of; what differs between the two is underlined. Keys come from a
terminal; without one, the file can be written by hand.

EXIT STATUS
  0  ended; what was decided is in the file
  2  the pipeline has no review step with a decisions file, its rows were not made yet, or there is no terminal`,
		Example: "  rein review pipelines/hybrid.hcl",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return a.review(c.Context(), args[0], &l) },
	}
	l.register(c)
	a.complete(c, &l)
	return c
}

func (a *app) review(ctx context.Context, file string, l *loadFlags) error {
	p, err := a.load([]string{file}, l)
	if err != nil {
		return err
	}
	node, path, err := reviewStep(p)
	if err != nil {
		return configError(err)
	}
	decisions, err := review.DecisionsSoFar(path) // the first decision makes the file
	if err != nil {
		return configError(err)
	}
	store, err := a.store(true)
	if err != nil {
		return err
	}
	defer store.Close()
	rows, originals, err := a.sampled(ctx, store, p, node)
	if err != nil {
		return err
	}
	if tty, _ := isTerminal(a.in); !tty {
		return configError(fmt.Errorf("review shows rows to a person and needs a terminal; without one, write the decisions into %s: a CSV file with the columns id, verdict (accept, reject, relabel), label (with relabel: the right one) and note", path))
	}
	m := reviewui.New(rows, decisions, func(id string, d *review.Decision) (review.Decisions, error) { return review.Change(path, id, d) })
	m.Compare(originals)
	if _, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(a.in), tea.WithOutput(a.err)).Run(); err != nil && ctx.Err() == nil {
		return err
	}
	fmt.Fprintf(a.err, "%d of %d decided, in %s\n", m.Decided(), len(rows), path)
	return m.Err()
}

// sampled are the rows to look at, and the texts that they were made of, by id. They are chosen of the step's input, not
// of its output: a step that requires the review has none before.
func (a *app) sampled(ctx context.Context, store *cache.Store, p *lang.Program, node *engine.Node) (rows []artifact.Row, originals map[string]string, err error) {
	d, err := node.Op.Describe(ctx)
	if err != nil {
		return nil, nil, err
	}
	var config struct {
		Share float64 `json:"share"`
		Seed  int     `json:"seed"`
	}
	if err := json.Unmarshal(d.Config, &config); err != nil {
		return nil, nil, err
	}
	ref := rowsOf(node)
	if ref == nil {
		return nil, nil, configError(fmt.Errorf("%s: step %q has no rows of another step", node.Pos, node.Name))
	}
	in, err := a.made(ctx, store, p, ref)
	if err != nil {
		return nil, nil, err
	}
	if rows, err = review.Sample(ctx, in, review.Config{Share: config.Share, Seed: config.Seed}); err != nil {
		return nil, nil, err
	}
	if ref = rowsOf(ref.Node); ref == nil {
		return rows, nil, nil
	}
	if in, err = a.made(ctx, store, p, ref); err != nil {
		return rows, nil, nil // the rows can be judged alone
	}
	originals, err = parents(ctx, rows, in)
	return rows, originals, err
}

// parents looks up the texts of the rows' parents.
func parents(ctx context.Context, rows []artifact.Row, from artifact.Rows) (map[string]string, error) {
	wanted := map[string]bool{}
	for _, r := range rows {
		wanted[r.Parent] = true
	}
	out := map[string]string{}
	for r, err := range from.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		if wanted[r.ID] {
			out[r.ID] = r.Text
		}
	}
	return out, nil
}

// rowsOf is the one step whose output a step takes as its rows; nil if there is none.
func rowsOf(n *engine.Node) *engine.Ref {
	for _, in := range n.Inputs {
		if in.Port == "rows" && len(in.Refs) == 1 && in.Refs[0].Node != nil {
			return &in.Refs[0]
		}
	}
	return nil
}

// made is what was made for a reference.
func (a *app) made(ctx context.Context, store *cache.Store, p *lang.Program, ref *engine.Ref) (artifact.Rows, error) {
	blob, err := a.findOutput(ctx, store, p, ref.Node.Name, ref.Port)
	if err != nil {
		return artifact.Rows{}, err
	}
	path, err := store.Path(ctx, blob)
	return artifact.Rows{Path: path}, err
}

// reviewStep is the pipeline's review step and its decisions file.
func reviewStep(p *lang.Program) (*engine.Node, string, error) {
	if len(p.Graph.Pipelines) != 1 {
		return nil, "", fmt.Errorf("name one file: this is %d pipelines", len(p.Graph.Pipelines))
	}
	pipe := p.Graph.Pipelines[0]
	for _, n := range pipe.Nodes {
		if n.Type != review.Step().Name || n.NotNeeded {
			continue
		}
		for _, in := range n.Inputs {
			if in.Port == "decisions" && len(in.Refs) == 1 && in.Refs[0].Path != nil {
				return n, in.Refs[0].Path.Abs, nil
			}
		}
		return nil, "", fmt.Errorf("%s: step %q has no decisions file: decisions = \"review.csv\"", n.Pos, n.Name)
	}
	return nil, "", fmt.Errorf("pipeline %s has no review step; rein steps review shows one", pipe.Name)
}
