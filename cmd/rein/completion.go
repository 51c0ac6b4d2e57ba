package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rein/pipelines/lang"
)

// complete offers pipeline files for a command's arguments and variable names for --var.
func (a *app) complete(c *cobra.Command, l *loadFlags) {
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"hcl"}, cobra.ShellCompDirectiveFilterFileExt
	}
	must(c.RegisterFlagCompletionFunc("var", a.completeVariables(l)))
}

// completeVariables offers the pipelines' variables as NAME=, and after that their values.
func (a *app) completeVariables(l *loadFlags) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(_ *cobra.Command, args []string, part string) ([]string, cobra.ShellCompDirective) {
		if name, _, ok := strings.Cut(part, "="); ok {
			return a.variableValues(name, args, l), cobra.ShellCompDirectiveNoFileComp
		}
		return a.variableNames(args, l), cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
}

// completeRuns offers the ids of runs beside the pipeline files.
func (a *app) completeRuns(c *cobra.Command, l *loadFlags) {
	a.complete(c, l)
	c.ValidArgsFunction = func(_ *cobra.Command, args []string, part string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return filesHere(part), cobra.ShellCompDirectiveNoFileComp
		}
		return append(a.runIDs(part), filesHere(part)...), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeRevisions offers, up to the argument n, the revisions of git beside the pipeline files.
func (a *app) completeRevisions(c *cobra.Command, l *loadFlags, n int) {
	a.complete(c, l)
	c.ValidArgsFunction = func(c *cobra.Command, args []string, part string) ([]string, cobra.ShellCompDirective) {
		out := filesHere(part)
		if len(args) < n && (len(args) == 0 || !isPipelinePath(args[0])) {
			out = append(revisions(c.Context(), part), out...)
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// mostOffered is how many runs or commits are offered before the user has typed a part of one.
const mostOffered = 20

// runIDs are "last" and the newest runs whose ids begin with part, newest first, each with its start time.
func (a *app) runIDs(part string) []string {
	store, err := a.store(true)
	if err != nil {
		return nil
	}
	defer store.Close()
	ids, err := store.Runs()
	if err != nil || len(ids) == 0 {
		return nil
	}
	var out []string
	for _, name := range []string{"last", "last~1"} {
		if strings.HasPrefix(name, part) {
			out = append(out, name)
		}
	}
	for _, id := range slices.Backward(ids) {
		if len(out) < mostOffered && strings.HasPrefix(id, part) {
			out = append(out, id)
		}
	}
	return out
}

// revisions are the branches, tags and newest commits that begin with part. After "A.." they complete the end of the range.
func revisions(ctx context.Context, part string) []string {
	before, word := "", part
	if i := strings.LastIndex(part, ".."); i >= 0 {
		i += len("..")
		if strings.HasPrefix(part[i:], ".") {
			i++
		}
		before, word = part[:i], part[i:]
	}
	out := []string{"HEAD", "HEAD~1"}
	if text, err := git(ctx, ".", "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes"); err == nil {
		out = append(out, strings.Fields(text)...)
	} else {
		return nil
	}
	if text, err := git(ctx, ".", "log", "--format=%h\t%s", "-n", strconv.Itoa(mostOffered)); err == nil {
		out = append(out, strings.Split(strings.TrimSpace(text), "\n")...)
	}
	out = slices.DeleteFunc(out, func(s string) bool { return !strings.HasPrefix(s, word) })
	for i := range out {
		out[i] = before + out[i]
	}
	return out
}

// filesHere are the pipeline files and the folders whose paths begin with part.
func filesHere(part string) []string {
	dir, _ := filepath.Split(part)
	entries, _ := os.ReadDir(cmp.Or(dir, "."))
	var out []string
	for _, e := range entries {
		path := dir + e.Name()
		switch {
		case !strings.HasPrefix(path, part) || strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(filepath.Base(part), "."):
		case e.IsDir():
			out = append(out, path+"/")
		case lang.IsPipelineFile(path):
			out = append(out, path)
		}
	}
	return out
}

// completeGet offers a file first, then its steps' ports.
func (a *app) completeGet(c *cobra.Command, l *loadFlags) {
	a.complete(c, l)
	files := c.ValidArgsFunction
	c.ValidArgsFunction = func(c *cobra.Command, args []string, part string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return files(c, args, part)
		}
		p, _ := lang.Load(args[:1], a.langOptions(args[:1], l))
		var out []string
		for _, pipe := range p.Graph.Pipelines {
			for _, n := range pipe.Nodes {
				for _, port := range n.Ports {
					out = append(out, "step."+n.Name+"."+port.Name)
				}
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeSteps offers step names for a flag, or for the last argument of why.
func (a *app) completeSteps(l *loadFlags) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		p, _ := lang.Load(a.targets(args), a.langOptions(args, l))
		names := map[string]bool{}
		for _, pipe := range p.Graph.Pipelines {
			for _, n := range pipe.Nodes {
				names[n.Name] = true
			}
		}
		return sortedKeys(names), cobra.ShellCompDirectiveNoFileComp
	}
}

// variableNames are the variables of the pipelines, as NAME=.
func (a *app) variableNames(args []string, l *loadFlags) []string {
	p, _ := lang.Load(a.targets(args), a.langOptions(args, l))
	names := map[string]bool{}
	for _, pipe := range p.Pipelines {
		for name := range pipe.Meta.Variables {
			names[name+"="] = true
		}
	}
	return sortedKeys(names)
}

// variableValues are NAME=VALUE for the values that the pipelines' variable of that name may have.
func (a *app) variableValues(name string, args []string, l *loadFlags) []string {
	p, _ := lang.Load(a.targets(args), a.langOptions(args, l))
	values := map[string]bool{}
	for _, pipe := range p.Pipelines {
		for _, v := range pipe.Values(name) {
			values[name+"="+v] = true
		}
	}
	return sortedKeys(values)
}
