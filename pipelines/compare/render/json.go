package render

import (
	"encoding/json"
	"io"

	"rein/pipelines/compare"
	"rein/pipelines/compare/diff"
)

// JSON writes the result as schema.json describes it: the data, with sentences beside the codes.
func JSON(w io.Writer, of *compare.Result) error {
	r := result{of}
	out := jsonResult{Result: of, Baseline: jsonBaseline{of.Baseline, Missing(of.Baseline.Missing), coded(of.Baseline.Missing)}, Strategies: []jsonStrategy{}, Tests: jsonTests(of.Tests),
		Recommendation: jsonRecommendation{of.Recommendation, rule, texts(r.allWhy()), codes(of.Recommendation.Why)}, Notes: sentences(of.Notes), NoteCodes: codes(of.Notes)}
	for _, s := range of.Strategies {
		out.Strategies = append(out.Strategies, newJSONStrategy(s))
	}
	for _, c := range of.Contradictions {
		out.Contradictions = append(out.Contradictions, jsonContradiction{c.Strategy, sentence(c.Finding), *coded(c.Finding)})
	}
	for i := range of.Sweeps {
		s := &of.Sweeps[i]
		x := jsonSweep{Sweep: s, Answers: answers(s, r.Basis()+compare.Decisive)}
		for _, e := range s.Effects {
			x.Effects = append(x.Effects, newJSONEffect(e))
		}
		out.Sweeps = append(out.Sweeps, x)
	}
	return encode(w, out)
}

// DiffJSON writes a difference for programs.
func DiffJSON(w io.Writer, r *diff.Result) error {
	return encode(w, struct {
		*diff.Result
		Tests     []Test    `json:"tests"`
		Notes     []string  `json:"notes,omitempty"`
		NoteCodes []finding `json:"note_codes,omitempty"`
	}{r, jsonTests(r.Tests), sentences(r.Notes), codes(r.Notes)})
}

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// finding is what a sentence is made of.
type finding struct {
	Code string          `json:"code"`
	Of   compare.Finding `json:"of"`
}

// coded is a finding for programs; nil stays nil.
func coded(f compare.Finding) *finding {
	if f == nil {
		return nil
	}
	return &finding{f.Code(), f}
}

func codes(list []compare.Finding) []finding {
	var out []finding
	for _, f := range list {
		out = append(out, *coded(f))
	}
	return out
}

type jsonResult struct {
	*compare.Result
	Baseline       jsonBaseline        `json:"baseline"`
	Strategies     []jsonStrategy      `json:"strategies"`
	Tests          []Test              `json:"tests"`
	Recommendation jsonRecommendation  `json:"recommendation"`
	Contradictions []jsonContradiction `json:"plan_check,omitempty"`
	Sweeps         []jsonSweep         `json:"sweeps,omitempty"`
	Notes          []string            `json:"notes,omitempty"`
	NoteCodes      []finding           `json:"note_codes,omitempty"`
}

type jsonBaseline struct {
	compare.Baseline
	Missing string   `json:"missing,omitempty"`
	Code    *finding `json:"missing_code,omitempty"`
}

type jsonStrategy struct {
	*compare.Strategy
	Title        string     `json:"title"`
	Concerns     []string   `json:"concerns"`
	ConcernCodes []finding  `json:"concern_codes,omitempty"`
	Gates        []jsonGate `json:"gates"`
	Missing      string     `json:"missing,omitempty"`
	MissingCode  *finding   `json:"missing_code,omitempty"`
}

func newJSONStrategy(s *compare.Strategy) jsonStrategy {
	out := jsonStrategy{s, title(s), append([]string{}, sentences(s.Concerns)...), codes(s.Concerns), []jsonGate{}, Missing(s.Missing), coded(s.Missing)}
	for _, g := range s.Gates {
		out.Gates = append(out.Gates, jsonGate{g, gateWants(g), gateGot(g)})
	}
	return out
}

type jsonGate struct {
	compare.Gate
	Wants string `json:"wants"` // "at most 1.00%"
	Got   string `json:"got"`   // "0.85% (0.79-0.91)"; "" if not measured
}

type jsonRecommendation struct {
	compare.Recommendation
	Rule     string    `json:"rule"`
	Why      []string  `json:"why"`
	WhyCodes []finding `json:"why_codes,omitempty"`
}

type jsonContradiction struct {
	Strategy string `json:"strategy,omitempty"`
	Text     string `json:"text"`
	finding
}

// Test is a test with its conclusion in words, as JSON has it.
type Test struct {
	compare.Test
	Said   string `json:"conclusion"`
	Reason string `json:"reason,omitempty"` // of incomparable
}

// NewTest puts a test's conclusion into words.
func NewTest(t compare.Test) Test { return Test{t, said(t), rowsDiffer(t)} }

func jsonTests(list []compare.Test) []Test {
	out := []Test{}
	for _, t := range list {
		out = append(out, NewTest(t))
	}
	return out
}

type jsonSweep struct {
	*compare.Sweep
	Effects []jsonEffect `json:"effects,omitempty"`
	Answers []string     `json:"answers,omitempty"` // the effects on the decisive metric
}

type jsonEffect struct {
	compare.Effect
	Levels []jsonLevel `json:"levels"`
}

type jsonLevel struct {
	compare.Level
	Said string `json:"conclusion"`
}

func newJSONEffect(e compare.Effect) jsonEffect {
	out := jsonEffect{Effect: e}
	for _, l := range e.Levels {
		out.Levels = append(out.Levels, jsonLevel{l, Conclusion(l.Conclusion)})
	}
	return out
}
