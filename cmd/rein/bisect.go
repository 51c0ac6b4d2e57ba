package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/human"
	"rein/pipelines/lang"
	"rein/steps/metric"
)

// bisectFlags say what got worse, and between what.
type bisectFlags struct {
	load    loadFlags
	run     runFlags
	metric  string
	worseBy float64
	bad     string // lower, higher: which is worse, where the metric doesn't say
	edit    bool
}

func (a *app) bisectCmd() *cobra.Command {
	f := bisectFlags{run: runFlags{keepGoing: true}}
	c := &cobra.Command{
		Use:   "bisect GOOD BAD FILE | --edit A.hcl B.hcl",
		Short: "Find the commit, or the setting, that made a figure worse",
		Long: `bisect walks the commits between two revisions that change what a strategy reads, runs the strategy at some of them in a
temporary worktree, and names the first commit whose figure is worse. What was run before comes from the cache, so an
interrupted search goes on where it was. A commit counts as bad where a paired test on the same rows shows it to be worse
than GOOD, as good where it is shown to be better than BAD, and is passed over where neither is shown. A figure without
rows to test counts as bad where it is nearer to BAD's than to GOOD's. With --worse-by, bad is what is worse than GOOD by
at least that much.

With --edit it compares two files: which of the variables that they set differently makes the difference.

EXIT STATUS
  0  found
  1  the figure isn't worse at BAD, or the commits can't be told apart
  2  the command line, a revision or a pipeline file is wrong
  3  a fault`,
		Example: `  rein bisect v1.2 main pipelines/hybrid.hcl --metric fp_rate
  rein bisect HEAD~20 HEAD p.hcl --metric words --bad lower
  rein bisect --edit pipelines/balanced.hcl pipelines/hybrid.hcl --metric fp_rate`,
		Args: func(c *cobra.Command, args []string) error {
			if f.edit {
				return cobra.ExactArgs(2)(c, args)
			}
			return cobra.ExactArgs(3)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			if f.edit {
				return a.bisectEdit(c.Context(), args[0], args[1], &f)
			}
			return a.bisect(c.Context(), args[0], args[1], args[2], &f)
		},
	}
	f.load.register(c)
	a.complete(c, &f.load)
	fl := c.Flags()
	fl.StringVar(&f.metric, "metric", "fp_rate", "the figure that got worse")
	fl.Float64Var(&f.worseBy, "worse-by", 0, "bad is what is worse than GOOD by at least this")
	fl.StringVar(&f.bad, "bad", "", "which values of the metric are bad, where that isn't known: lower or higher")
	fl.BoolVar(&f.edit, "edit", false, "compare two files: which setting makes the difference")
	fl.IntVarP(&f.run.jobs, "jobs", "j", 0, "steps at a time (default: the number of cores)")
	must(c.RegisterFlagCompletionFunc("metric", cobra.FixedCompletions(metric.Names(), cobra.ShellCompDirectiveNoFileComp)))
	must(c.RegisterFlagCompletionFunc("bad", cobra.FixedCompletions([]string{"lower", "higher"}, cobra.ShellCompDirectiveNoFileComp)))
	return c
}

// check finds the metric and its bad direction.
func (f *bisectFlags) check(c *cobra.Command) error {
	if f.worseBy < 0 {
		return configError(fmt.Errorf("--worse-by %g: want a number above 0", f.worseBy))
	}
	if f.bad != "" && f.bad != "lower" && f.bad != "higher" {
		return configError(fmt.Errorf("--bad %q: want lower or higher", f.bad))
	}
	m, known := metric.Lookup(f.metric)
	if known {
		f.metric = m.Name
	}
	if f.bad == "" {
		switch m.Better {
		case metric.Lower:
			f.bad = "higher"
		case metric.Higher:
			f.bad = "lower"
		default:
			return configError(fmt.Errorf("--metric %s: nothing says which of its values are bad; give --bad lower or --bad higher", f.metric))
		}
	}
	return nil
}

// tried is a strategy as it was run for the search.
type tried struct {
	label    string
	pipeline record.Pipeline
	value    float64
	missing  string // why there is no value
}

// judged is what a tried one is.
type judged int

const (
	unclear judged = iota
	good
	bad
)

// judge tells what x is between the two ends.
func (f *bisectFlags) judge(ctx context.Context, blobs compare.Blobs, begin, end, x tried) (judged, string, error) {
	if x.missing != "" {
		return unclear, x.missing, nil
	}
	worse := func(than tried) float64 { // how much x is worse
		if f.bad == "lower" {
			return than.value - x.value
		}
		return x.value - than.value
	}
	figure := render.Format(f.metric, compare.Figure{Value: x.value})
	if f.worseBy > 0 {
		if worse(begin) >= f.worseBy {
			return bad, figure, nil
		}
		return good, figure, nil
	}
	against, err := testOf(ctx, blobs, begin, x, f.metric)
	if err != nil {
		return unclear, "", err
	}
	if against == nil || against.Conclusion == compare.Incomparable {
		if worse(begin) > -worse(end) { // nearer to the bad end
			return bad, figure, nil
		}
		return good, figure, nil
	}
	if x.value == begin.value || against.Conclusion == compare.Better {
		return good, figure, nil
	}
	if against.Conclusion == compare.Worse {
		return bad, figure, nil
	}
	if against, err = testOf(ctx, blobs, end, x, f.metric); err != nil {
		return unclear, "", err
	}
	switch {
	case x.value == end.value:
		return bad, figure, nil
	case against != nil && against.Conclusion == compare.Better:
		return good, figure, nil
	}
	return unclear, figure + ", not shown to differ from either end", nil
}

// testOf is the paired test of b against a on a metric; nil where there are no rows to test on.
func testOf(ctx context.Context, blobs compare.Blobs, a, b tried, name string) (*compare.Test, error) {
	pa, pb := a.pipeline, b.pipeline
	pa.Name, pb.Name = "before", "after"
	r, err := compare.Compute(ctx, compare.Input{Pipelines: []record.Pipeline{pa, pb}, Blobs: blobs})
	if err != nil {
		return nil, err
	}
	return r.TestOf("before", "after", name), nil
}

// try runs a loaded pipeline and reads its figure.
func (a *app) try(ctx context.Context, p *lang.Program, label string, f *bisectFlags) (tried, error) {
	out := tried{label: label}
	for _, pipe := range p.Graph.Pipelines {
		pipe.Outputs = nil // a search puts nothing beside the user's files
	}
	quiet := a.quiet
	a.quiet = true
	rec, err := a.run(ctx, p, &f.run)
	a.quiet = quiet
	switch {
	case ctx.Err() != nil:
		return out, &exitError{exitInterrupted, errors.New("interrupted; what was run is kept: the same command goes on from there")}
	case rec == nil:
		return out, err
	}
	out.pipeline = rec.Pipelines[0]
	s, err := compare.Summarize(out.pipeline)
	if err != nil {
		return out, err
	}
	v, ok := s.Figures[f.metric]
	if !ok {
		out.missing = "it doesn't measure " + f.metric
		for _, st := range out.pipeline.Steps {
			if st.Status == string(engine.StatusFailed) {
				out.missing = fmt.Sprintf("step %s failed: %s", st.Name, firstLine(st.Error))
			}
		}
	}
	out.value = v.Value
	return out, nil
}

// search is one bisection over commits.
type search struct {
	app         *app
	f           *bisectFlags
	top         string // of the repository
	tree        string // of the temporary worktree
	file        string // the strategy, relative to both
	known       map[string]tried
	begin, end  tried
	paths       []string // relative to the top: what the strategy reads
	goods, skip []string
}

func (a *app) bisect(ctx context.Context, from, to, file string, f *bisectFlags) error {
	s := &search{app: a, f: f, known: map[string]tried{}}
	if err := s.open(ctx, file); err != nil {
		return err
	}
	defer s.close()
	ids := map[string]string{}
	for _, rev := range []string{from, to} {
		out, err := git(ctx, s.top, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
		if err != nil {
			return configError(fmt.Errorf("%s is no revision of this repository", rev))
		}
		ids[rev] = strings.TrimSpace(out)
	}
	var err error
	if s.begin, err = s.at(ctx, ids[from]); err != nil {
		return err
	}
	if s.end, err = s.at(ctx, ids[to]); err != nil {
		return err
	}
	return s.between(ctx, ids[from], ids[to])
}

// open makes the temporary worktree.
func (s *search) open(ctx context.Context, file string) error {
	top, err := git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return configError(errors.New("bisect wants a git repository"))
	}
	s.top = strings.TrimSpace(top)
	abs, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	if abs, err = filepath.EvalSymlinks(filepath.Dir(abs)); err != nil {
		return configError(err)
	}
	real, err := filepath.EvalSymlinks(s.top)
	if err != nil {
		return err
	}
	if s.file, err = filepath.Rel(real, filepath.Join(abs, filepath.Base(file))); err != nil || strings.HasPrefix(s.file, "..") {
		return configError(fmt.Errorf("%s is not in this repository", file))
	}
	dir, err := os.MkdirTemp("", "rein-bisect-")
	if err != nil {
		return err
	}
	s.tree = filepath.Join(dir, "tree")
	if _, err := git(ctx, s.top, "worktree", "add", "--quiet", "--detach", s.tree, "HEAD"); err != nil {
		os.RemoveAll(dir)
		return err
	}
	return nil
}

// close takes the worktree away, also after an interrupt.
func (s *search) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, _ = git(ctx, s.top, "worktree", "remove", "--force", s.tree)
	os.RemoveAll(filepath.Dir(s.tree))
}

// at runs the strategy as a commit has it, once.
func (s *search) at(ctx context.Context, id string) (tried, error) {
	if t, ok := s.known[id]; ok {
		return t, nil
	}
	if _, err := git(ctx, s.tree, "checkout", "--quiet", "--detach", "--force", id); err != nil {
		return tried{}, err
	}
	o := s.app.langOptions([]string{s.file}, &s.f.load)
	o.FS, o.Dir = nil, s.tree
	p, diags := lang.Load([]string{s.file}, o)
	t := tried{label: id}
	switch {
	case diags.HasErrors():
		t.missing = "its files don't load: " + firstLine(diags.Error())
	case len(p.Graph.Pipelines) != 1:
		t.missing = s.file + " isn't one pipeline"
	default:
		s.reads(p)
		s.f.run.git = s.tree
		var err error
		if t, err = s.app.try(ctx, p, id, s.f); err != nil {
			return t, err
		}
	}
	s.known[id] = t
	return t, nil
}

// reads adds what a program reads, relative to the top of the repository.
func (s *search) reads(p *lang.Program) {
	add := func(path string) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.tree, path)
		}
		if rel, err := filepath.Rel(s.tree, path); err == nil && !strings.HasPrefix(rel, "..") && !slices.Contains(s.paths, rel) {
			s.paths = append(s.paths, rel)
		}
	}
	for _, f := range p.Files() {
		add(f)
	}
	for _, in := range inputPaths(p.Graph) {
		if in.Kind == engine.PathGlob {
			add(globRoot(in.Abs))
		} else {
			add(in.Abs)
		}
	}
}

// between narrows the commits down until one is left.
func (s *search) between(ctx context.Context, from, to string) error {
	store, err := s.app.store(true)
	if err != nil {
		return err
	}
	defer store.Close()
	for _, e := range []tried{s.begin, s.end} {
		if e.missing != "" {
			return configError(fmt.Errorf("%s: %s", e.label[:12], e.missing))
		}
	}
	if what, _, err := s.f.judge(ctx, store, s.begin, s.end, s.end); err != nil {
		return err
	} else if what != bad {
		return &exitError{exitVerdict, fmt.Errorf("%s is not shown to be worse at %s (%s) than at %s (%s)", s.f.metric, to[:12],
			render.Format(s.f.metric, compare.Figure{Value: s.end.value}), from[:12], render.Format(s.f.metric, compare.Figure{Value: s.begin.value}))}
	}
	s.goods = []string{from}
	worst := to
	told := false
	for {
		left, err := s.candidates(ctx, worst)
		if err != nil {
			return err
		}
		if !told {
			s.estimate(len(left))
			told = true
		}
		next := ""
		for _, id := range left {
			if id != worst && !slices.Contains(s.skip, id) {
				next = id
				break
			}
		}
		if next == "" {
			return s.found(ctx, worst, left)
		}
		t, err := s.at(ctx, next)
		if err != nil {
			return err
		}
		what, why, err := s.f.judge(ctx, store, s.begin, s.end, t)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.app.err, "%s  %-7s  %s\n", next[:12], [...]string{"unclear", "good", "bad"}[what], human.Safe(why))
		switch what {
		case good:
			s.goods = append(s.goods, next)
		case bad:
			worst = next
		default:
			s.skip = append(s.skip, next)
		}
	}
}

// candidates are the commits that may be the first bad one, those that halve them best first.
func (s *search) candidates(ctx context.Context, worst string) ([]string, error) {
	args := []string{"rev-list", "--bisect-all", worst}
	for _, g := range s.goods {
		args = append(args, "^"+g)
	}
	out, err := git(ctx, s.top, append(append(args, "--"), s.paths...)...)
	if err != nil {
		return nil, err
	}
	var ids []string
	for line := range strings.Lines(out) {
		id, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// estimate says before it starts what the search may take.
func (s *search) estimate(commits int) {
	runs := 0
	for n := commits; n > 1; n = (n + 1) / 2 {
		runs++
	}
	var ms int64
	for _, st := range s.end.pipeline.Steps {
		ms += st.Result.RunMS
	}
	fmt.Fprintf(s.app.err, "%s between them %s what %s reads: about %s, of at most %s each\n", human.Many(commits, "commit"),
		map[bool]string{true: "changes", false: "change"}[commits == 1], s.file, human.Many(runs, "run"), human.Duration(time.Duration(ms)*time.Millisecond))
}

// found tells the first bad commit: what it set, which steps that changed, and what became of the rows.
func (s *search) found(ctx context.Context, worst string, left []string) error {
	if unclear := slices.DeleteFunc(slices.Clone(left), func(id string) bool { return id == worst || !slices.Contains(s.skip, id) }); len(unclear) > 0 {
		fmt.Fprintf(s.app.out, "the first bad commit is one of %s, which can't be told apart:\n", human.Many(len(unclear)+1, "commit"))
		for _, id := range append(unclear, worst) {
			fmt.Fprintf(s.app.out, "  %s\n", id)
		}
		return &exitError{exitVerdict, nil}
	}
	if !slices.Contains(left, worst) && len(left) == 1 { // worst itself changes nothing that is read: what it comes from does
		worst = left[0]
	}
	subject, err := git(ctx, s.top, "show", "--no-patch", "--no-show-signature", "--format=%an, %ad: %s", "--date=short", worst)
	if err != nil {
		return err
	}
	if _, err := s.at(ctx, worst); err != nil {
		return err
	}
	t := s.known[worst]
	fmt.Fprintf(s.app.out, "%s is the first bad commit\n%s\n%s: %s at %s, %s here\n\n", worst, human.Safe(strings.TrimSpace(subject)), render.Label(s.f.metric),
		render.Format(s.f.metric, compare.Figure{Value: s.begin.value}), s.begin.label[:12], render.Format(s.f.metric, compare.Figure{Value: t.value}))
	parent, err := git(ctx, s.top, "rev-parse", "--verify", "--quiet", worst+"^")
	if err != nil {
		return nil // the first commit of all
	}
	at := filepath.Join(s.top, s.file)
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, at); err == nil {
			at = rel
		}
	}
	return s.app.diffSides(ctx, &diffFlags{load: s.f.load}, revised{rev: strings.TrimSpace(parent)[:12], file: at}, revised{rev: worst[:12], file: at})
}

// bisectEdit finds which of the variables that two files set differently makes the difference.
func (a *app) bisectEdit(ctx context.Context, before, after string, f *bisectFlags) error {
	load := func(file string) (*lang.Program, error) {
		p, err := a.load([]string{file}, &f.load)
		if err == nil && len(p.Pipelines) != 1 {
			err = configError(fmt.Errorf("%s: name one pipeline file", file))
		}
		return p, err
	}
	pa, err := load(before)
	if err != nil {
		return err
	}
	pb, err := load(after)
	if err != nil {
		return err
	}
	changed := changedVariables(pa.Pipelines[0], pb.Pipelines[0])
	if len(changed) == 0 {
		return &exitError{exitVerdict, fmt.Errorf("%s and %s give no variable another value; rein diff %s %s shows how they differ", before, after, before, after)}
	}
	store, err := a.store(true)
	if err != nil {
		return err
	}
	defer store.Close()
	begin, err := a.try(ctx, pa, before, f)
	if err != nil {
		return err
	}
	end, err := a.try(ctx, pb, after, f)
	if err != nil {
		return err
	}
	for _, e := range []tried{begin, end} {
		if e.missing != "" {
			return configError(fmt.Errorf("%s: %s", e.label, e.missing))
		}
	}
	if what, _, err := f.judge(ctx, store, begin, end, end); err != nil {
		return err
	} else if what != bad {
		return &exitError{exitVerdict, fmt.Errorf("%s is not shown to be worse in %s (%s) than in %s (%s)", f.metric, after,
			render.Format(f.metric, compare.Figure{Value: end.value}), before, render.Format(f.metric, compare.Figure{Value: begin.value}))}
	}
	return a.oneByOne(ctx, store, before, pa, changed, begin, end, f)
}

// setting is a variable with the value that the second file gives it.
type setting struct{ name, value string }

// changedVariables are the variables of a that have another value in b.
func changedVariables(a, b *lang.Pipeline) []setting {
	var out []setting
	for _, v := range a.Variables {
		i := slices.IndexFunc(b.Variables, func(o *lang.Variable) bool { return o.Name == v.Name })
		if i >= 0 && !v.Sensitive && string(a.Meta.Variables[v.Name].Value) != string(b.Meta.Variables[v.Name].Value) {
			out = append(out, setting{v.Name, string(b.Meta.Variables[v.Name].Value)})
		}
	}
	return out
}

// oneByOne gives each changed variable alone its new value.
func (a *app) oneByOne(ctx context.Context, blobs compare.Blobs, before string, pa *lang.Program, changed []setting, begin, end tried, f *bisectFlags) error {
	var guilty []string
	fmt.Fprintf(a.err, "%s: one run for each\n", human.Many(len(changed), "changed variable"))
	for _, c := range changed {
		o := a.langOptions([]string{before}, &f.load)
		pipe := pa.Pipelines[0]
		file := strings.TrimSuffix(pipe.File, filepath.Ext(pipe.File)) + "-" + c.name + ".hcl"
		o.Overlay = map[string][]byte{file: fmt.Appendf(nil, "pipeline %q {\n  extends = %q\n}\nset {\n  %s = jsondecode(%s)\n}\n", pipe.Name, filepath.Base(pipe.File),
			c.name, strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strconv.Quote(c.value)))}
		p, diags := lang.Load([]string{file}, o)
		if err := a.report(p, diags); err != nil {
			return err
		}
		t, err := a.try(ctx, p, c.name, f)
		if err != nil {
			return err
		}
		what, why, err := f.judge(ctx, blobs, begin, end, t)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s = %s alone: %s, %s\n", c.name, c.value, why, [...]string{"unclear", "as good as before", "worse"}[what])
		if what == bad {
			guilty = append(guilty, c.name)
		}
	}
	switch len(guilty) {
	case 0:
		fmt.Fprintln(a.out, "no variable alone makes it worse: several together do, or what else differs between the files")
		return &exitError{exitVerdict, nil}
	case 1:
		fmt.Fprintf(a.out, "%s makes the difference\n", guilty[0])
	default:
		fmt.Fprintf(a.out, "each of these alone makes it worse: %s\n", strings.Join(guilty, ", "))
	}
	return nil
}
