package suite

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"rein/cache"
	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/lang"
)

// Env is what tests need besides their files.
type Env struct {
	Lang    lang.Options                                           // how pipelines are loaded
	Engine  func(*cache.Store) engine.Options                      // how steps are executed in a store
	Project *cache.Store                                           // whose results a run may take; nil: none
	Leaks   func(context.Context, *engine.Graph) ([]string, error) // what would be reported on rows that it is made with
	Figures func(record.Pipeline) (map[string]float64, error)      // a pipeline's figures by metric
	Update  bool                                                   // write snapshots in place of comparing with them
}

// Status is how a test ended.
type Status string

// The states of a test. Error means that the test itself, or its pipeline, is wrong.
const (
	Pass  Status = "pass"
	Fail  Status = "fail"
	Error Status = "error"
)

// Result is what became of one test.
type Result struct {
	File     string   `json:"file"`
	Name     string   `json:"name"`
	Depth    Depth    `json:"depth"`
	Status   Status   `json:"status"`
	Failures []string `json:"failures,omitempty"`
	TookMS   int64    `json:"took_ms"`

	Diagnostics hcl.Diagnostics      `json:"-"` // of Error
	Sources     map[string]*hcl.File `json:"-"`
}

// Execute does one test. Errors of the pipeline and of the test are in the result; the error is of ctx alone.
func (r *Run) Execute(ctx context.Context, text []byte, env Env) (out Result, err error) {
	start := time.Now()
	out = Result{File: r.File, Name: r.Name, Depth: r.Depth, Status: Pass}
	defer func() { out.TookMS = time.Since(start).Milliseconds() }()
	p, diags := r.load(text, env.Lang, false)
	out.Sources = p.Sources
	if len(r.Errors) > 0 {
		out.Failures = missingErrors(r.Errors, diags)
	} else if diags.HasErrors() {
		r.wrong(&out, p, diags)
		return out, ctx.Err()
	}
	if len(r.Errors) == 0 {
		p, failures, diags, err := r.execute(ctx, p, text, env)
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err != nil {
			failures = append(failures, err.Error())
		}
		if diags.HasErrors() {
			r.wrong(&out, p, diags)
			return out, nil
		}
		out.Failures = failures
	}
	if len(out.Failures) > 0 {
		out.Status = Fail
	}
	return out, ctx.Err()
}

// wrong makes an error of the test, or of its pipeline, the result. Errors of a pipeline that isn't there have the place that names it.
func (r *Run) wrong(out *Result, p *lang.Program, diags hcl.Diagnostics) {
	out.Status, out.Diagnostics, out.Sources = Error, diags, maps.Clone(p.Sources)
	if slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
		return d.Subject != nil && p.Sources[d.Subject.Filename] != nil && d.Subject.Filename == r.File
	}) {
		return // about the variables: what the loader shows of the file hides their values, which may be secret
	}
	if out.Sources == nil {
		out.Sources = map[string]*hcl.File{}
	}
	out.Sources[r.File] = r.source
	for _, d := range diags {
		if d.Subject == nil {
			d.Subject = &r.names
		}
	}
}

// execute finds the facts that the assertions need, and tests them. It also returns the program that the diagnostics are of.
func (r *Run) execute(ctx context.Context, p *lang.Program, text []byte, env Env) (*lang.Program, []string, hcl.Diagnostics, error) {
	if len(p.Graph.Pipelines) != 1 {
		return p, nil, nil, fmt.Errorf("%s is %d pipelines: name a file with one", r.Pipeline, len(p.Graph.Pipelines))
	}
	var facts map[string]any
	var failures []string
	var err error
	switch r.Depth {
	case DepthPlan:
		var edited *lang.Program
		if r.edit != nil {
			var diags hcl.Diagnostics
			if edited, diags = r.load(text, env.Lang, true); diags.HasErrors() {
				return edited, nil, diags, nil
			}
		}
		facts, err = graphFacts(ctx, p, edited, env)
	case DepthRows:
		facts, failures, err = r.rows(ctx, p, env)
	case DepthRun:
		facts, err = r.run(ctx, p, env)
	}
	if err != nil {
		return p, nil, nil, err
	}
	more, diags := r.evaluate(text, facts)
	if diags.HasErrors() {
		p = &lang.Program{} // they are of the test file alone
	}
	return p, append(failures, more...), diags, nil
}

// missingErrors are the expected texts that no error contains.
func missingErrors(want []string, diags hcl.Diagnostics) []string {
	var out []string
	for _, w := range want {
		found := false
		for _, d := range diags {
			found = found || d.Severity == hcl.DiagError && strings.Contains(d.Summary+": "+d.Detail, w)
		}
		if !found {
			got := "it loads without errors"
			if diags.HasErrors() {
				got = "it says: " + diags.Error()
			}
			out = append(out, fmt.Sprintf("no error has %q; %s", w, got))
		}
	}
	return out
}

// store makes a cache that is thrown away.
func store() (*cache.Store, func(), error) {
	dir, err := os.MkdirTemp("", "rein-test-")
	if err != nil {
		return nil, nil, err
	}
	s, err := cache.Open(dir, cache.Options{})
	if err != nil {
		os.RemoveAll(dir)
		return nil, nil, err
	}
	return s, func() { s.Close(); os.RemoveAll(dir) }, nil
}
