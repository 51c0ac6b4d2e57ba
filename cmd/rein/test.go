package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/human"
	"rein/pipelines/lang"
	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/suite"
)

// testFlags say which tests are executed and how they are reported.
type testFlags struct {
	run    string
	junit  string
	jobs   int
	update bool
}

func (a *app) testCmd() *cobra.Command {
	var f testFlags
	c := &cobra.Command{
		Use:   "test [DIR|FILE]...",
		Short: "Test strategies: their graphs, what a step makes of a few rows, or a small run",
		Long: `test does what the files *.test.hcl beside the strategies say. A test is a run block with a pipeline, a depth and assertions:

  plan   nothing is executed: which steps there are, what they need, what an edit would run again, leaks
  rows   one step is executed on rows of the test's; snapshot names a file of the rows that it must make
  run    the whole pipeline is executed in a cache that is thrown away, with results of the project's where they fit

Conditions ask for step, steps, var, leaks and rerun (plan), output, metric and notes (rows), or outcome, missed, metric and
step (run). A condition that is false is shown with the values in it.

EXIT STATUS
  0  all passed
  1  a test failed
  2  a test file or its pipeline is wrong`,
		Example: `  rein test
  rein test -run variations pipelines/hybrid.test.hcl
  rein test --junit report.xml`,
		RunE: func(c *cobra.Command, args []string) error { return a.test(c.Context(), args, &f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.run, "run", "", "only tests whose name matches this `REGEXP`")
	fl.StringVar(&f.junit, "junit", "", "also write JUnit XML to this `FILE`")
	fl.IntVarP(&f.jobs, "jobs", "j", 0, "`N` tests at a time (default: the number of cores)")
	fl.BoolVar(&f.update, "update", false, "write snapshots as they are now")
	fl.BoolVar(&a.json, "json", false, "results as JSON, one a line")
	return c
}

func (a *app) test(ctx context.Context, args []string, f *testFlags) error {
	if err := notNegative("--jobs", f.jobs); err != nil {
		return err
	}
	only, err := regexp.Compile(f.run)
	if err != nil {
		return configError(fmt.Errorf("--run %q: %w", f.run, err))
	}
	if len(args) == 0 && !exists(defaultFolder) {
		return configError(fmt.Errorf("no folder %q here: name the test files, or the folders that they are in", defaultFolder))
	}
	paths, err := suite.Find(a.targets(args))
	if err != nil {
		return configError(err)
	}
	if len(paths) == 0 {
		return configError(fmt.Errorf("no test files in %s: their names end with %s", strings.Join(a.targets(args), ", "), suite.Ending))
	}
	sources := map[string]*hcl.File{}
	var files []*suite.File
	var diags hcl.Diagnostics
	for _, p := range paths {
		file, more := suite.Read(p, sources)
		diags = append(diags, more...)
		files = append(files, file)
	}
	if err := a.report(&lang.Program{Sources: sources}, diags); err != nil {
		return err
	}
	results, err := a.execute(ctx, files, only, f)
	if err != nil {
		return err
	}
	if len(results) == 0 {
		return configError(fmt.Errorf("no test's name matches %q", f.run))
	}
	if f.junit != "" {
		if err := replaceFile(f.junit, func(w io.Writer) error { return writeJUnit(w, results) }); err != nil {
			return err
		}
	}
	return a.testOutcome(results)
}

// execute executes the tests side by side and reports each when it ends.
func (a *app) execute(ctx context.Context, files []*suite.File, only *regexp.Regexp, f *testFlags) ([]suite.Result, error) {
	project, err := a.store(true)
	if err != nil {
		return nil, err
	}
	defer project.Close()
	env := suite.Env{Lang: a.langOptions(nil, &loadFlags{}), Engine: a.engineOptions, Project: project, Update: f.update,
		Leaks: leaks,
		Figures: func(p record.Pipeline) (map[string]float64, error) {
			s, err := compare.Summarize(p)
			out := map[string]float64{}
			for name, f := range s.Figures {
				out[name] = f.Value
			}
			return out, err
		},
	}
	env.Lang.FS = nil
	var all []*suite.Result
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(f.jobs, 1))
	if f.jobs == 0 {
		g.SetLimit(runtime.GOMAXPROCS(0))
	}
	for _, file := range files {
		for _, r := range file.Runs {
			if !only.MatchString(r.Name) {
				continue
			}
			out := new(suite.Result)
			all = append(all, out)
			g.Go(func() (err error) {
				*out, err = r.Execute(gctx, file.Text, env)
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	results := make([]suite.Result, len(all))
	for i, r := range all {
		results[i] = *r
	}
	return results, nil
}

// testOutcome prints the results and returns the exit status.
func (a *app) testOutcome(results []suite.Result) error {
	counts := map[suite.Status]int{}
	_, width := isTerminal(a.err)
	paint := human.NewPalette(a.color(a.out))
	for _, r := range results {
		counts[r.Status]++
		if a.json {
			if err := writeJSONLine(a.out, struct {
				suite.Result
				Diagnostics []diag.Diagnostic `json:"diagnostics,omitempty"`
			}{r, diag.Describe(r.Sources, r.Diagnostics)}); err != nil {
				return err
			}
			continue
		}
		word, color := "ok   ", paint.Bold
		if r.Status != suite.Pass {
			word, color = "FAIL ", paint.Bad
		}
		fmt.Fprintf(a.out, "%s %s: %s (%s)\n", color(word), r.File, human.Safe(r.Name), human.Duration(time.Duration(r.TookMS)*time.Millisecond))
		for _, text := range r.Failures {
			fmt.Fprintf(a.out, "      %s\n", strings.ReplaceAll(safeLines(text), "\n", "\n      "))
		}
		if err := diag.Write(a.err, r.Sources, r.Diagnostics, diag.Style{Color: a.color(a.err), Width: width}); err != nil {
			return err
		}
	}
	if !a.json {
		fmt.Fprintf(a.out, "%d passed, %d failed\n", counts[suite.Pass], counts[suite.Fail]+counts[suite.Error])
	}
	switch {
	case counts[suite.Error] > 0:
		return &exitError{exitConfig, nil}
	case counts[suite.Fail] > 0:
		return &exitError{exitVerdict, nil}
	}
	return nil
}

// safeLines makes each line of a text harmless for a terminal.
func safeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = human.Safe(lines[i])
	}
	return strings.Join(lines, "\n")
}

// junitSuites is the format in which CI servers read test results: a suite for each file.
type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    float64    `xml:"time,attr"` // seconds
	Failure *junitText `xml:"failure,omitempty"`
	Error   *junitText `xml:"error,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func writeJUnit(w io.Writer, results []suite.Result) error {
	var out junitSuites
	at := map[string]int{}
	for _, r := range results {
		i, ok := at[r.File]
		if !ok {
			i = len(out.Suites)
			at[r.File] = i
			out.Suites = append(out.Suites, junitSuite{Name: r.File})
		}
		s := &out.Suites[i]
		c := junitCase{Class: r.File, Name: r.Name, Time: float64(r.TookMS) / 1000}
		switch r.Status {
		case suite.Fail:
			text := strings.Join(r.Failures, "\n")
			c.Failure = &junitText{firstLine(text), text}
			s.Failures++
		case suite.Error:
			c.Error = &junitText{"the test or its pipeline is wrong", r.Diagnostics.Error()}
			s.Errors++
		}
		s.Tests++
		s.Cases = append(s.Cases, c)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	_, err := io.WriteString(w, xml.Header)
	return errors.Join(err, enc.Encode(out))
}
