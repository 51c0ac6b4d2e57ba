package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"rein/engine"
	"rein/pipelines/lang"
)

// controlSuffix ends the name of a derived control pipeline.
const controlSuffix = "-control"

// withControls loads the pipelines again, each with a derived control beside it: a text, held in memory only, that extends the pipeline's
// file and replaces its variations by copies. controls maps each control to its strategy.
func (a *app) withControls(p *lang.Program, args []string, l *loadFlags) (_ *lang.Program, controls map[string]string, err error) {
	o := a.langOptions(args, l)
	o.Overlay = map[string][]byte{}
	targets := slices.Clone(a.targets(args))
	controls = map[string]string{}
	for _, pipe := range p.Graph.Pipelines {
		text, ok := controlText(pipe)
		if !ok {
			fmt.Fprintf(a.err, "note: %s has no augment step: there is nothing to make a control of\n", pipe.Name)
			continue
		}
		file := strings.TrimSuffix(pipe.File, filepath.Ext(pipe.File)) + controlSuffix + ".hcl"
		o.Overlay[file] = []byte(text)
		controls[pipe.Name+controlSuffix] = pipe.Name
		targets = append(targets, file)
	}
	p, diags := lang.Load(targets, o)
	return p, controls, a.report(p, diags)
}

// controlText is a pipeline that copies the rows of which another pipeline writes variations, and keeps the copies when it merges.
func controlText(p *engine.Pipeline) (text string, ok bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "pipeline %q {\n  extends = %q\n}\n", p.Name+controlSuffix, filepath.Base(p.File))
	said := map[string]bool{}
	for _, n := range p.Nodes {
		name, _, _ := strings.Cut(n.Name, "[") // an instance of for_each
		change := n.Traits.Control
		if change == "" || n.NotNeeded || said[name] {
			continue
		}
		said[name] = true
		ok = ok || n.Traits.Writes
		fmt.Fprintf(&b, "step %q %q {\n  %s\n}\n", n.Type, name, change)
	}
	return b.String(), ok
}
