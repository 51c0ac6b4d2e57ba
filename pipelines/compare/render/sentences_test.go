package render

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/steps/stats"
)

// allSentences are the sentences of every kind of finding.
func allSentences() []struct {
	of   compare.Finding
	want string
} {
	shown := func(c compare.Conclusion) compare.Test {
		return compare.Test{A: "a", B: "b", Metric: "new_roc_auc", Conclusion: c, P: 0.02, Raw: 0.01, Difference: compare.Figure{Value: 0.03, Low: ptr(0.01), High: ptr(0.05)}}
	}
	met := compare.Check("fp_rate", record.Expectation{AtMost: ptr(0.01)}, map[string]compare.Figure{"fp_rate": {Value: 0.009, Low: ptr(0.007), High: ptr(0.011)}})
	missed := compare.Check("fp_rate", record.Expectation{AtMost: ptr(0.01)}, map[string]compare.Figure{"fp_rate": {Value: 0.02}})
	never := compare.NeverRan{Step: "test"}
	return []struct {
		of   compare.Finding
		want string
	}{
		{compare.StepFailed{Step: "model", Error: "out of memory", Advice: "a smaller batch"}, "step model failed: out of memory; what to do: a smaller batch"},
		{compare.StepFailed{Step: "model", Status: "rejected", Error: "unbalanced"}, "step model rejected: unbalanced"},
		{never, "step test has never run"},
		{compare.NoResultStep{}, "its file has no compare block that names a result step"},
		{compare.NoResultYet{Step: "test"}, "step test has no result yet: run it (rein run)"},
		{compare.DroppedFromRace{Metric: "own_recall_at_fp_1", Round: 1, Rounds: 4, Lost: compare.Loss{To: "p n=2", Difference: 0.25, Units: 20}},
			"dropped after round 1 of 4: p n=2 has a recall at 1% FP rate, own traffic that is higher by 25.0 points on 20 attacks"},
		{compare.DroppedFromRace{Metric: "new_recall_at_fp_1", Round: 1, Rounds: 4, Lost: compare.Loss{To: "p n=2", Difference: 0.25, Units: 1}},
			"dropped after round 1 of 4: p n=2 has a recall at 1% FP rate, new sources that is higher by 25.0 points on 1 new source"},
		{compare.RaceStopped{Why: "the budget is spent"}, "the budget is spent"},
		{compare.OtherBaseline{Strategy: "b", Shown: "a"}, "b has another baseline than a: only the latter's is shown"},
		{compare.OtherAssumption{Name: "ticket_cost", Strategy: "b", Value: 30}, "ticket_cost differs between strategies: b's 30 is used for all"},
		{compare.Unreadable{What: "test.rows", Error: "gone"}, "test.rows: gone"},
		{compare.Unreadable{Error: "gone"}, "gone"},
		{compare.SideNeverRan{Side: "a"}, "a has never run: data and results are not compared"},
		{compare.SideMissing{Side: "a", Why: never}, "a: step test has never run"},
		{compare.NotMeasured{Why: never}, "not measured: step test has never run"},
		{compare.GateMissed{Gate: missed}, "FP rate: wants at most 1.00%, measured 2.00%"},
		{compare.GateNotShown{Gate: met}, "FP rate is within at most 1.00%, but its interval reaches beyond: 0.90% (0.70-1.10)"},
		{compare.SeedLuck{Metric: "fp_rate", Mean: 0.0102, Seeds: 5}, "FP rate meets its target with the seed that was kept; the mean over 5 seeds, 1.02%, doesn't"},
		{compare.NewOverTarget{Rate: 0.011, Target: 0.01}, "FP rate on new sources is 1.10%, over the target of 1.00% that own traffic meets"},
		{compare.NewFPHigher{New: 0.05, Own: 0.02}, "FP rate on new sources is 5.00% against 2.00% on own traffic"},
		{compare.NewRecallLower{New: 0.9, Own: 0.96}, "recall at 1% FP rate on new sources is 90.0% against 96.0% on own traffic"},
		{compare.RankingWorse{Test: shown(compare.Worse)}, "ROC-AUC, new sources is worse than the baseline's (+3.00 points, 95% +1.00 to +5.00, p 0.020, adjusted for the number of tests)"},
		{compare.NothingPromised{}, "the threshold promises nothing of new sources: no validation source has enough benign rows"},
		{compare.TooFewPromised{Promise: compare.Promise{Limit: 0.01, Sources: 4, Probability: 0.8, Wanted: 0.9, Needs: 9}},
			"too few sources: the threshold promises 1.00% for 80% of new sources, of 4; 90% needs 9"},
		{compare.Unbalanced{Severity: 2, Benign: ptr(0.7)}, "balance is concerning (70.0% benign)"},
		{compare.NothingToChoose{}, "There are no strategies to choose from."},
		{compare.OnOtherRows{A: "a", B: "b"}, "a and b pass every gate, but on different test rows: figures of different test sets aren't ranked. Give both the same test set."},
		{compare.PassesAll{Strategy: "a", Basis: compare.New, AtRate: compare.Figure{Value: 0.9}, FPRate: compare.Figure{Value: 0.005}, Recall: compare.Figure{Value: 0.95}},
			"a passes every gate on new sources: recall 90.0% at 1% FP rate; at its own threshold FP rate 0.50%, recall 95.0%."},
		{compare.OnlyOne{Of: 5}, "It is the only one of 5 that does."},
		{compare.HighestNotShown{Best: "a", AtRate: 0.9, P: 0.3, Chosen: "b", OfChosen: 70000, OfHighest: 90000},
			"a has the highest recall at 1% FP rate, 90.0%, but the difference is not significant (p 0.300), and b has fewer training rows, 70,000 against 90,000."},
		{compare.HighestNotShown{Best: "a", AtRate: 0.9, P: 0.3, Chosen: "b", OnNew: true, OfChosen: 0.8, OfHighest: 0.7},
			"a has the highest recall at 1% FP rate, 90.0%, but the difference is not significant (p 0.300), and on new sources b finds more, 80.0% against 70.0%."},
		{compare.EqualsFollow{Strategies: []string{"b"}}, "b doesn't differ from it significantly in recall at 1% FP rate, and has more training rows or finds less on new sources."},
		{compare.EqualsFollow{Strategies: []string{"b", "c"}}, "b, c don't differ from it significantly in recall at 1% FP rate, and have more training rows or find less on new sources."},
		{compare.ShownHighest{}, "Its recall at 1% FP rate is significantly higher than that of every other strategy that passes."},
		{compare.AgainstVolume{Test: shown(compare.Better)}, "Its variations do more than as many plain copies of the same rows would: recall at 1% FP rate is higher (+3.00 points, 95% +1.00 to +5.00, p 0.020, adjusted for the number of tests)."},
		{compare.AgainstVolume{Test: shown(compare.Worse)}, "As many plain copies of the same rows would do better than its variations: its recall at 1% FP rate is lower than theirs (+3.00 points, 95% +1.00 to +5.00, p 0.020, adjusted for the number of tests)."},
		{compare.AgainstVolume{Test: shown(compare.NotShown)}, "Its variations aren't shown to do more than as many plain copies of the same rows: not shown (+3.00 points, 95% +1.00 to +5.00, p 0.020, adjusted for the number of tests)."},
		{compare.Rejected{Strategy: "a", Gates: []compare.Gate{missed, {Name: compare.StepsGate, Missing: never}}}, "a is rejected: FP rate wants at most 1.00%, measured 2.00%; not measured, step test has never run."},
		{compare.NonePasses{Basis: compare.Own}, "No strategy passes every gate on own traffic."},
		{compare.Closest{Strategy: "a", Gates: []compare.Gate{missed, {Name: compare.GainGate}, {Name: "expected f1_macro"}}}, "The closest is a: it fails on FP rate, gain over the baseline and expected F1 macro."},
		{compare.KeepInMind{Concerns: []compare.Finding{compare.NothingPromised{}}}, "What to keep in mind of it:"},
		{compare.BaselineSuffices{Met: []compare.Met{{Metric: "fp_rate", Value: 0.0059}, {Metric: "tp_rate", Value: 0.987}}}, "The baseline meets the targets by itself (FP rate 0.59% and recall 98.7%): there is little to reinforce."},
		{compare.BaselineSuffices{Met: []compare.Met{{Metric: "fp_rate", Value: 0.002}}, Recall: ptr(0.137)},
			"The baseline keeps the target, too (FP rate 0.20%), and finds 13.7% of the attacks: what there is to win is recall at that rate."},
		{compare.FewFalsePositives{Found: 3, NearMisses: 40, Lower: true},
			"The pool gave 3 false positives, fewer than any strategy asks for; 40 near misses stand in. A larger pool (--var pool=FILE) gives more, and so does mining at a lower threshold (--var mine_at_recall=0.99)."},
		{compare.FewFalsePositives{Found: 3}, "The pool gave 3 false positives, fewer than any strategy asks for. A larger pool (--var pool=FILE) gives more."},
		{compare.UnbalancedRows{Benign: 0.889, Allowed: 0.94}, "The rows to train on are 88.9% benign before anything is added, over what the balance allows: no strategy can mend that. " +
			"Give more rows of the rarer kind, or say what is acceptable (--var max_class_share=0.94; training weighs the classes as it is)."},
		{compare.FewTestRows{Rows: 180, Target: 0.01, Need: 381}, "The test set has 180 benign rows: too few to show an FP rate of at most 1.00%, for which 381 without a false positive are needed."},
		{compare.BalanceWord{Benign: 0.617, Word: "optimal (<62)"}, `61.7% benign is not within 40-60%; the plan calls it "optimal (<62)"`},
		{compare.DaysDiffer{People: 6, GPUHours: 12, Total: 9}, "its parts add up to 6.5 days (6 of people, 12 h of training), its total says 9"},
		{compare.CostDiffers{GPUHours: 12, Price: 10, Cost: 100}, "12 GPU hours at $10 are $120, the plan says $100"},
		{compare.PoolDiffers{Asked: 500, Coverage: 0.25, Held: 1000}, "500 false positives at 25% coverage mean a pool with 2,000 of them; it holds 1,000"},
		{compare.VerdictDiffers{Gate: missed}, "approved although the promised FP rate, 2.00%, is not at most 1.00%"},
		{compare.SavingDiffers{Avoided: 12.2e6, Price: 20, Saving: 244000}, "12,200,000 avoided alarms at $20 are $244,000,000, not $244,000, unless 0.10% of them become tickets"},
	}
}

// Every kind of finding has its sentence and stands in the schema: a new one without either is found by its method Code.
func TestEveryFindingHasItsSentence(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range allSentences() {
		if got := sentence(c.of); got != c.want {
			t.Errorf("%#v:\n got %s\nwant %s", c.of, got, c.want)
		}
		tested[c.of.Code()] = true
	}
	file, err := parser.ParseFile(token.NewFileSet(), "../findings.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	ast.Inspect(file, func(n ast.Node) bool {
		if d, ok := n.(*ast.FuncDecl); ok && d.Name.Name == "Code" {
			code, err := strconv.Unquote(d.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			known = append(known, code)
			if !tested[code] {
				t.Errorf("%s has no sentence in this test", code)
			}
		}
		return true
	})
	text, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs struct {
			Code struct{ Enum []string }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(known)), slices.Sorted(slices.Values(schema.Defs.Code.Enum))); diff != "" {
		t.Errorf("the schema's codes: %s", diff)
	}
}

// compare and compare/diff make no prose: except errors, no text of theirs has two words of a sentence in a row.
func TestComparisonsMakeNoProse(t *testing.T) {
	prose := regexp.MustCompile(`[a-z]{2,}[,;:]? [a-z]{2,}`)
	values := []string{`"not needed"`, `"(as found)"`, `"200 and more"`} // of the JSON form of a difference, which is a contract
	for _, dir := range []string{"..", "../diff"} {
		names, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(names) == 0 {
			t.Fatal(names, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Errorf" {
						return false
					}
				case *ast.Field:
					n.Tag = nil
				case *ast.BasicLit:
					if n.Kind == token.STRING && prose.MatchString(n.Value) && !slices.Contains(values, n.Value) {
						t.Errorf("%s has %s: package render makes the words", name, n.Value)
					}
				}
				return true
			})
		}
	}
}

// A figure that misses its limit by less than two decimals show is written with more of them.
func TestAGateNeverContradictsItself(t *testing.T) {
	g := compare.Check("fp_rate", record.Expectation{AtMost: ptr(0.01)}, map[string]compare.Figure{"fp_rate": {Value: 0.010033}})
	if got := gateGot(g); g.Passed || got != "1.0033% (1.00-1.00)" || gateWants(g) != "at most 1.00%" {
		t.Errorf("%+v: %s", g, got)
	}
}

// A gate says what it asks for, and what was measured.
func TestGatesInWords(t *testing.T) {
	worst := &stats.Slice{By: "language", Value: "German", Rows: 900, Of: 12, Small: 3, Rate: stats.Interval{Value: 0.041, Low: 0.022, High: 0.07}, Reach: 0.08}
	sliced := compare.Check("fp_rate_by_language", record.Expectation{AtMost: ptr(0.01)}, map[string]compare.Figure{"fp_rate_by_language": {Value: 0.022, Low: ptr(0.022), High: ptr(0.08)}})
	sliced.Slice = worst
	gain := compare.Test{Metric: "own_recall_at_fp_1", Conclusion: compare.Better, P: 0.0001, Raw: 0.0001, Difference: compare.Figure{Value: 0.48}}
	for want, g := range map[string]compare.Gate{
		"steps: wants every step has a result, measured all":                                          {Name: compare.StepsGate, Passed: true},
		"balance: wants not critical, measured critical (88.9% benign)":                               {Name: compare.BalanceGate, Figure: &compare.Figure{Value: 3}, Benign: ptr(0.889)},
		"loss against the baseline: wants no fewer attacks found at one FP rate, measured none shown": {Name: compare.LossGate, Passed: true},
		"gain over the baseline: wants more attacks found at one FP rate, measured recall at 1% FP rate, own traffic better (+48.00 points, p < 0.001)": {
			Name: compare.GainGate, Tests: []compare.Test{gain}},
		"FP rate shown of a language: wants at most 1.00%, measured German 4.10% (2.20-7.00): 2.20% (2.20-8.00), of 12; 3 more have too few rows": sliced,
		"FP rate shown of a language: wants at most 1.00%, measured nothing: no language of 30 rows or more":                                      compare.Check("fp_rate_by_language", record.Expectation{AtMost: ptr(0.01)}, nil),
		"FP rate: wants 3.00% ± 0.10%, measured nothing":                                                                                          compare.Check("fp_rate", record.Expectation{Value: ptr(0.03), Tolerance: ptr(0.001)}, nil),
	} {
		if got := Missed(g); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// JSON has the code of a conclusion and its words, with what would be needed.
func TestConclusionsHaveCodesAndWords(t *testing.T) {
	for want, test := range map[string]compare.Test{
		`"code":"better","conclusion":"better"`:                            {Conclusion: compare.Better},
		`"code":"not-shown","conclusion":"not shown"`:                      {Conclusion: compare.NotShown},
		`"code":"too-few-rows","conclusion":"too few rows (need 3,812)"`:   {Conclusion: compare.TooFewRows, Need: 3812},
		`"code":"too-few-rows","conclusion":"too few rows (need 30)"`:      {Conclusion: compare.TooFewRows, Rows: 4},
		`"code":"too-few-seeds","conclusion":"too few seeds (need 9)"`:     {Conclusion: compare.TooFewSeeds, NeedSeeds: 9},
		`"code":"too-few-sources","conclusion":"too few sources (need 6)"`: {Conclusion: compare.TooFewSources},
	} {
		b, err := json.Marshal(NewTest(test))
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Code, Conclusion string }
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if said := fmt.Sprintf(`"code":%q,"conclusion":%q`, got.Code, got.Conclusion); said != want {
			t.Errorf("%s, want %s", said, want)
		}
	}
}

// A failed gate stands behind one that was passed without certainty: only what isn't a failed gate is a concern beside them.
func TestConcernsBesideGates(t *testing.T) {
	s := &compare.Strategy{Concerns: []compare.Finding{compare.GateNotShown{}, compare.GateMissed{}, compare.NothingPromised{}}}
	if got := besideGates(s); len(got) != 2 || got[0].Code() != "gate-not-shown" || got[1].Code() != "nothing-promised" {
		t.Errorf("%+v", got)
	}
}
