package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rein/engine"
	"rein/pipelines/compare"
	"rein/pipelines/compare/render"
	"rein/pipelines/human"
	"rein/pipelines/lang"
)

// search is one bisection over commits.
type search struct {
	app        *app
	f          *bisectFlags
	top        string   // of the repository
	tree       string   // of the temporary worktree
	settings   []string // of git: without the programs that the repository names
	file       string   // the strategy, relative to both
	known      map[string]tried
	begin, end tried
	paths      []string // relative to the top: what the strategy reads
}

func (a *app) bisect(ctx context.Context, from, to, file string, f *bisectFlags) error {
	s := &search{app: a, f: f, known: map[string]tried{}}
	if err := s.open(ctx, file); err != nil {
		return err
	}
	defer s.close()
	var err error
	if from, err = objectOf(ctx, s.top, from, "commit"); err != nil {
		return err
	}
	if to, err = objectOf(ctx, s.top, to, "commit"); err != nil {
		return err
	}
	if s.begin, err = s.at(ctx, from); err != nil {
		return err
	}
	if s.end, err = s.at(ctx, to); err != nil {
		return err
	}
	return s.between(ctx, from, to)
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
	// The user's own filters (LFS) make the files; those of the repository's configuration are somebody else's.
	if s.settings, err = withoutFilters(ctx, s.top, "local", "worktree"); err == nil {
		_, err = gitWith(ctx, s.top, s.settings, nil, "worktree", "add", "--quiet", "--detach", s.tree, "HEAD")
	}
	if err != nil {
		os.RemoveAll(dir)
		return err
	}
	return nil
}

// close removes the worktree, also after an interrupt.
func (s *search) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, _ = git(ctx, s.top, "worktree", "remove", "--force", s.tree)
	os.RemoveAll(filepath.Dir(s.tree))
}

// at runs the strategy as it is in a commit, once.
func (s *search) at(ctx context.Context, id string) (tried, error) {
	if t, ok := s.known[id]; ok {
		return t, nil
	}
	if _, err := gitWith(ctx, s.tree, s.settings, nil, "checkout", "--quiet", "--detach", "--force", id); err != nil {
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

// between narrows the commits down to one.
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
	h := halving{worst: to, goods: []string{from}, candidates: s.candidates,
		judge: func(ctx context.Context, id string) (judged, error) {
			t, err := s.at(ctx, id)
			if err != nil {
				return unclear, err
			}
			what, why, err := s.f.judge(ctx, store, s.begin, s.end, t)
			if err == nil {
				fmt.Fprintf(s.app.err, "%s  %-7s  %s\n", id[:12], [...]string{"unclear", "good", "bad"}[what], human.Safe(why))
			}
			return what, err
		}}
	left, err := h.candidates(ctx, h.worst, h.goods)
	if err != nil {
		return err
	}
	s.estimate(len(left))
	first, err := h.search(ctx)
	if err != nil {
		return err
	}
	return s.found(ctx, first)
}

// candidates are the commits that change the files that are read and that may be the first bad one, sorted by how evenly they divide the
// rest.
func (s *search) candidates(ctx context.Context, worst string, goods []string) ([]string, error) {
	args := []string{"rev-list", "--bisect-all", worst}
	for _, g := range goods {
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

// estimate prints, before the search starts, how long it may take.
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

// found prints the first bad commit: what it set, which steps that changed, and how the rows were decided differently.
func (s *search) found(ctx context.Context, first []string) error {
	if len(first) > 1 {
		fmt.Fprintf(s.app.out, "the first bad commit is one of %s, which can't be told apart:\n", human.Many(len(first), "commit"))
		for _, id := range first {
			fmt.Fprintf(s.app.out, "  %s\n", id)
		}
		return &exitError{exitVerdict, nil}
	}
	worst := first[0]
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
