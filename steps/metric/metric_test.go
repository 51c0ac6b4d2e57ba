package metric

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	for name, want := range map[string]string{
		"fp_rate": "fp_rate", "FP rate": "fp_rate", "fpr": "fp_rate", "recall": "tp_rate", "Recall": "tp_rate", "ROC-AUC": "roc_auc", "f1": "f1_macro",
		"new_recall": "new_tp_rate", "own_fp_rate": "own_fp_rate", "unseen_fp_rate_low": "unseen_fp_rate_low", "FP rate, new sources": "new_fp_rate",
		"recall_at_fp_0_5": "recall_at_fp_0_5", "new_recall_at_fp_1": "new_recall_at_fp_1", "edited_recall_worst": "edited_tp_rate_worst",
		"fp_rate_mean": "fp_rate_mean", "latency": "latency_p95_ms", "validation_tp_rate_spread": "validation_tp_rate_spread",
	} {
		if m, ok := Lookup(name); !ok || m.Name != want {
			t.Errorf("%q is %q (%v), want %q", name, m.Name, ok, want)
		}
	}
	for _, name := range []string{"", "fp_rates", "words", "own_", "_low", "recall_at_fp_", "recall_at_fp_x", "new_words"} {
		if m, ok := Lookup(name); ok {
			t.Errorf("%q is taken for %q", name, m.Name)
		}
	}
}

func TestVariantsSayWhatTheyAre(t *testing.T) {
	for name, want := range map[string]Metric{
		"new_fp_rate":           {Label: "FP rate, new sources", Unit: Rate, Better: Lower},
		"tp_rate_spread":        {Label: "recall, spread over seeds", Unit: Rate, Better: Lower},
		"own_recall_at_fp_0_5":  {Label: "recall at 0.5% FP rate, own traffic", Unit: Rate, Better: Higher},
		"latency_p95_ms_low":    {Label: "latency p95, lower end of the interval", Unit: Millis, Better: Lower},
		"unseen_benign_rows":    {Label: "benign rows, unseen sources", Unit: Count, Better: Neither},
		"validation_roc_auc":    {Label: "validation ROC-AUC", Unit: Score, Better: Higher}, // which training calls validation_auc
		"edited_fp_rate_worst":  {Label: "FP rate, edited (worst)", Unit: Rate, Better: Lower},
		"train_rows_per_second": {Label: "train rows per second", Unit: PerSec, Better: Higher},
	} {
		m, ok := Lookup(name)
		if !ok || m.Label != want.Label || m.Unit != want.Unit || m.Better != want.Better {
			t.Errorf("%s: %+v, want %+v", name, m, want)
		}
	}
}

func TestNamesAreDifferent(t *testing.T) {
	of := map[string]string{}
	for _, m := range All {
		for _, n := range append([]string{m.Name}, m.Aliases...) {
			if first, taken := of[plain(n)]; taken {
				t.Errorf("%s is a name of %s and of %s", n, first, m.Name)
			}
			of[plain(n)] = m.Name
		}
		if m.Label == "" || m.Unit == "" || m.Meaning == "" {
			t.Errorf("%s is not told in full: %+v", m.Name, m)
		}
	}
}

// TestStepsReportKnownMetrics reads the steps' sources: what they call env.Metric with is in the list.
func TestStepsReportKnownMetrics(t *testing.T) {
	found := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			lit, isText := call.Args[0].(*ast.BasicLit)
			if !ok || sel.Sel.Name != "Metric" || !isText || lit.Kind != token.STRING {
				return true
			}
			name, err := strconv.Unquote(lit.Value)
			if _, known := Lookup(name); err == nil && !known {
				t.Errorf("%s reports %q, which is not in the list", path, name)
			}
			found++
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 20 {
		t.Errorf("only %d reports were found: the test reads the wrong files", found)
	}
}
