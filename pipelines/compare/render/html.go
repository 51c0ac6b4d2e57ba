package render

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"rein/pipelines/compare"
	"rein/pipelines/compare/render/markup"
	"rein/steps/stats"
)

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// page is what the template draws.
type page struct {
	Style          markup.CSS
	Script         markup.JS
	Tests          []compare.Test
	Provenance     []compare.Provenance
	M              *Matrix
	Title          string
	Why            []reason
	Rejected       []string
	Rule, Stars    string
	Legend         string
	Facts          []string
	Decision       []*decision
	Forests        []whiskers
	Charts         []chart
	Training       []chart
	Trend          []chart
	Whiskers       []whiskers
	Histograms     []histogram
	Confusions     []confusionTable
	Composition    []composition
	Graphs         []stepGraph
	Microscopes    []scope
	Edits          []compare.Edits
	Keys           []key
	ConcernLines   []string
	ControlLines   []string
	SweepLines     []string
	Sweeps         []sweepChart
	Contradictions []string
	MoneyLines     []string
	NoteLines      []string
	BlankLines     []string
	Notes          []string
}

const pageLegend = "Bold figures were measured. In italics below them: what the file expects, plans or asks for. – is not measured."

// key is one entry of the charts' common legend.
type key struct{ Name, Class string }

type confusionTable struct {
	Name  string
	Cells [4]string // TP, FN, FP, TN
	Facts []string
}

// HTML writes the comparison as one self-contained page: no network, and a script for nothing but to hide and order columns. Rows
// are read for the microscope only.
func HTML(ctx context.Context, w io.Writer, of *compare.Result, o Options) error {
	p, err := newPage(ctx, of, o)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, drawn(drawPage, p))
	return err
}

// newPage works out all parts.
func newPage(ctx context.Context, of *compare.Result, o Options) (*page, error) {
	r := result{of}
	m := r.matrix()
	if err := m.Arrange(o); err != nil {
		return nil, err
	}
	p := &page{Style: markup.CSS(pageStyle), Script: markup.JS(pageScript), Tests: of.Tests, Provenance: of.Provenance(), M: m, Facts: slices.Concat(o.Facts, r.facts()), Decision: r.decisions(), Forests: r.forests(), Title: r.headline(), Rule: rule, Stars: starRule, Legend: pageLegend,
		ConcernLines: r.concernLines(), ControlLines: r.controlLines(), Sweeps: r.sweepCharts(), SweepLines: r.sweepLines(), Contradictions: r.contradictionLines(), MoneyLines: r.moneyLines(), NoteLines: r.noteLines(), BlankLines: r.blankLines(), Notes: sentences(r.Notes)}
	p.Why, p.Rejected = r.why()
	for _, name := range r.Columns() {
		p.Keys = append(p.Keys, key{name, r.class(name)})
	}
	p.Charts = r.curveCharts()
	p.Training = r.trainingCharts()
	p.Trend = r.trendCharts(o.Past)
	p.Whiskers = r.whiskerCharts()
	p.Graphs = r.graphs()
	var err error
	if p.Edits, err = r.Edited(ctx); err != nil {
		return nil, err
	}
	p.Composition = r.compositions()
	for _, name := range r.Columns() {
		report := r.Report(name)
		if report == nil || report.Sets[r.BasisSet()] == nil {
			continue
		}
		set := report.Sets[r.BasisSet()]
		p.Histograms = append(p.Histograms, newHistogram("hist-"+name, "Threat scores: "+name, "How many test rows have each threat score, on a logarithmic scale; the line is the threshold.", set.Histogram, report.Threshold))
		p.Confusions = append(p.Confusions, confusions(name, report, set, r.Basis() == compare.New))
	}
	p.Microscopes, err = r.look(ctx)
	return p, err
}

// facts say what was measured on what.
func (r result) facts() []string {
	var out []string
	for _, name := range r.Columns() {
		report := r.Report(name)
		if report == nil || report.Sets[r.BasisSet()] == nil {
			continue
		}
		set := report.Sets[r.BasisSet()]
		out = append(out, fmt.Sprintf("Data: %s; the verdict rests %s (%s benign rows, %s malicious, content %s)", r.dataText(),
			onQuestion(r.Basis()), count(float64(set.Benign.Rows)), count(float64(set.Malicious.Rows)), set.Data[:min(12, len(set.Data))]))
		break
	}
	return out
}

// dataText names what the strategies were made of.
func (r result) dataText() string {
	file, builtIn := r.Data()
	switch {
	case builtIn:
		return "the built-in corpus, a test bed"
	case file == "":
		return "as the files say"
	}
	return file
}

// scope is a microscope, and what became of the baseline's clusters.
type scope struct {
	*compare.Microscope
	Repairs []compare.Repair
	Shares  []compare.MethodShare // of the added rows
	Open    bool                  // it is the first to look at
	Chosen  string                // the strategy that Against compares with: compare.Result.Yardstick
	Against *compare.Microscope   // nil for that one itself, and for the baseline
}

// look makes the microscopes of all columns that have scored rows: the baseline's first, whose clusters the others are
// asked about.
func (r result) look(ctx context.Context) ([]scope, error) {
	var names []string
	for _, name := range r.Columns() {
		if report := r.Report(name); r.Scored(name) && report != nil && report.Sets[r.BasisSet()] != nil {
			names = append(names, name)
		}
	}
	out := make([]scope, len(names))
	var base *compare.Microscope
	one := func(i int) error {
		m, err := r.Microscope(ctx, names[i], compare.BaselineName)
		if err != nil {
			return fmt.Errorf("the microscope of %s: %w", names[i], err)
		}
		out[i].Microscope = m
		if base != nil {
			if out[i].Repairs, out[i].Shares, err = r.Repairs(ctx, names[i], base); err != nil {
				return err
			}
		}
		chosen := r.Yardstick()
		out[i].Open = chosen != nil && names[i] == chosen.Name
		if chosen != nil && !out[i].Open && names[i] != compare.BaselineName {
			out[i].Chosen = chosen.Name
			out[i].Against, err = r.Flips(ctx, names[i], chosen.Name)
		}
		return err
	}
	first := 0
	if len(names) > 0 && names[0] == compare.BaselineName {
		if err := one(0); err != nil {
			return nil, err
		}
		base, first = out[0].Microscope, 1
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := first; i < len(names); i++ {
		g.Go(func() error { return one(i) })
	}
	return out, g.Wait()
}

type flipTable struct {
	Title string
	N     int
	Rows  []compare.Flip
}

// headline is the page's title.
func (r result) headline() string {
	if s := r.Strategy(r.Recommendation.Strategy); s != nil {
		return "Recommended: ★ " + s.Title
	}
	return "Recommended: nobody"
}

// class is a column's colour: the baseline's is grey, strategies take theirs in order, a control its strategy's.
func (r result) class(name string) string {
	if name == compare.BaselineName {
		return "c0"
	}
	of, control := name, ""
	if s := r.Strategy(name); s != nil && s.ControlOf != "" {
		of, control = s.ControlOf, " control"
	}
	i := slices.IndexFunc(r.Contenders(), func(s *compare.Strategy) bool { return s.Name == of })
	return fmt.Sprintf("c%d%s", 1+i%6, control)
}

// confusions are the counts of one column on the set that the verdict rests on. The figures beside them have the intervals that the matrix
// has: of new sources, those over sources.
func confusions(name string, report *stats.Report, set *stats.Set, overSources bool) confusionTable {
	figure := func(metric string, i *stats.Interval) string {
		f := compare.FigureOf(*i)
		if over, ok := set.OverSources(metric, i); ok && overSources {
			f.SourcesLow, f.SourcesHigh = &over.Low, &over.High
		}
		return withInterval(metric, f)
	}
	spread := func(metric string, value float64) string {
		if i := set.Intervals[metric]; i != nil {
			return figure(metric, i)
		}
		return show(metric, value)
	}
	c := set.Confusion
	t := confusionTable{Name: name}
	for i, v := range []int{c.TP, c.FN, c.FP, c.TN} {
		t.Cells[i] = count(float64(v))
	}
	t.Facts = append(t.Facts, fmt.Sprintf("threshold %.4g", report.Threshold))
	if set.Precision != nil {
		t.Facts = append(t.Facts, "precision "+figure("precision", set.Precision)+" in the mix of the test set")
	}
	if set.AtBase != nil {
		t.Facts = append(t.Facts, fmt.Sprintf("precision %s where %s of prompts are malicious", spread("precision_at_base_rate", *set.AtBase), percent(cmp.Or(report.BaseRate, 0.01))))
	}
	for _, at := range slices.Sorted(maps.Keys(set.RecallAt)) {
		if i := set.RecallAt[at]; i != nil {
			t.Facts = append(t.Facts, fmt.Sprintf("recall %s at %s%% FP rate", figure("recall_at_fp_"+strings.ReplaceAll(at, ".", "_"), i), at))
		}
	}
	t.Facts = append(t.Facts, fmt.Sprintf("F1 of malicious rows %s, of benign ones %s", spread("f1_malicious", set.F1[stats.MaliciousKey]), spread("f1_benign", set.F1[stats.BenignKey])))
	t.Facts = append(t.Facts, fmt.Sprintf("calibration error (ECE) %s, Brier score %s", spread("ece", set.ECE), spread("brier", set.Brier)))
	if set.Scaled != nil {
		t.Facts = append(t.Facts, fmt.Sprintf("after temperature scaling (%.3g, fitted on validation rows): ECE %.3f, Brier %.4f", report.Temperature, set.Scaled.ECE, set.Scaled.Brier))
	}
	return t
}

// trialFigures are the trial's rates for people.
func trialFigures(t compare.EditTrial) [2]string {
	return [2]string{withInterval("recall", compare.FigureOf(t.Recall)), withInterval("fp_rate", compare.FigureOf(t.FPRate))}
}
