package stats

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// cases.json was made by scikit-learn, scipy and statsmodels; testdata/cases.py says how.
type storedCases struct {
	Cases []struct {
		Name           string
		Labels         []int
		Scores         []float64
		Threshold      float64
		TP, FP, TN, FN int
		Precision      *float64
		Recall         float64
		F1             [2]float64
		F1Macro        float64  `json:"f1_macro"`
		AUC            float64  `json:"roc_auc"`
		PRAUC          float64  `json:"pr_auc"`
		AUCVariance    *float64 `json:"auc_variance"`
		Brier, ECE     float64
		RecallAt       map[string]float64 `json:"recall_at"`
		Reliability    [][2]float64
	}
	Wilson []struct {
		K, N     int
		Interval [2]float64
	}
	McNemar []struct {
		B, C int
		P    float64
	}
	Holm  struct{ P, Adjusted []float64 }
	Below []struct {
		K, N     int
		Limit, P float64
	}
	Welch []struct {
		A, B     []float64
		P        float64
		Interval [2]float64
	}
	Paired []struct {
		Labels        []int
		A, B          []float64
		Difference, P float64
	}
	Temperatures []struct {
		Labels      []int
		Scores      []float64
		Temperature float64
	}
}

const exact = 1e-9

func stored(t *testing.T) storedCases {
	t.Helper()
	b, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var s storedCases
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAsScikitLearn(t *testing.T) {
	for _, c := range stored(t).Cases {
		t.Run(c.Name, func(t *testing.T) {
			s := NewSet()
			for i, v := range c.Scores {
				s.Add(Observation{Malicious: c.Labels[i] == 1, Flagged: v >= c.Threshold, Threat: v})
			}
			pos, neg := byLabel(c.Labels, c.Scores)
			s.Finish(0.01, 200, 1)
			if want := (Confusion{c.TP, c.FP, c.TN, c.FN}); s.Confusion != want {
				t.Fatalf("confusion %v, want %v", s.Confusion, want)
			}
			if (s.Precision == nil) != (c.Precision == nil) {
				t.Fatalf("precision %v, want %v", s.Precision, c.Precision)
			} else if c.Precision != nil {
				near(t, "precision", s.Precision.Value, *c.Precision, exact)
			}
			near(t, "recall", s.Recall.Value, c.Recall, exact)
			near(t, "F1 benign", s.F1[BenignKey], c.F1[0], exact)
			near(t, "F1 malicious", s.F1[MaliciousKey], c.F1[1], exact)
			near(t, "F1 macro", s.F1Macro.Value, c.F1Macro, exact)
			near(t, "ROC-AUC", s.AUC.Value, c.AUC, exact)
			near(t, "PR-AUC", s.PRAUC.Value, c.PRAUC, exact)
			near(t, "Brier", s.Brier, c.Brier, exact)
			near(t, "ECE", s.ECE, c.ECE, exact)
			if c.AUCVariance != nil {
				v10, v01, _ := placements(pos, neg)
				near(t, "AUC's variance", variance(v10)/float64(len(pos))+variance(v01)/float64(len(neg)), *c.AUCVariance, exact)
			}
			for name, i := range map[string]*Interval{"ROC-AUC": s.AUC, "PR-AUC": s.PRAUC, "F1 macro": s.F1Macro, "recall": s.Recall} {
				if !(i.Low <= i.Value && i.Value <= i.High) {
					t.Errorf("%s: interval %v", name, *i)
				}
			}
			slices.Sort(neg)
			slices.Sort(pos)
			for _, p := range OperatingPoints {
				at := ThresholdFor(neg, p.Rate)
				near(t, "recall at "+p.Name, float64(atOrOver(pos, at))/float64(len(pos)), c.RecallAt[fmt.Sprint(p.Rate)], exact)
			}
			var bins [][2]float64
			for _, b := range s.Bins {
				if b.Rows > 0 {
					bins = append(bins, [2]float64{b.Score, b.Share})
				}
			}
			if len(bins) != len(c.Reliability) {
				t.Fatalf("%d calibration bins, want %d", len(bins), len(c.Reliability))
			}
			for i, b := range bins {
				near(t, "bin's score", b[0], c.Reliability[i][0], exact)
				near(t, "bin's share", b[1], c.Reliability[i][1], exact)
			}
		})
	}
}

func byLabel(labels []int, scores []float64) (pos, neg []float64) {
	for i, v := range scores {
		if labels[i] == 1 {
			pos = append(pos, v)
		} else {
			neg = append(neg, v)
		}
	}
	return pos, neg
}

func TestAsScipy(t *testing.T) {
	s := stored(t)
	for _, c := range s.Below {
		near(t, fmt.Sprintf("%d of %d below %v", c.K, c.N, c.Limit), BelowConfidence(c.K, c.N, c.Limit), c.P, 1e-7)
	}
	for _, c := range s.Welch {
		m := OverSeeds(0, c.A, c.B)
		near(t, "Welch's p", m.P, c.P, exact)
		near(t, "low", m.Difference.Low, c.Interval[0], 1e-7)
		near(t, "high", m.Difference.High, c.Interval[1], 1e-7)
	}
	for _, c := range s.Paired {
		posA, negA := byLabel(c.Labels, c.A)
		posB, negB := byLabel(c.Labels, c.B)
		d, p := NewROC(posB, negB).Minus(NewROC(posA, negA))
		near(t, "difference of AUCs", d.Value, c.Difference, exact)
		near(t, "DeLong's p", p, c.P, exact)
	}
	for _, c := range s.Temperatures {
		pos, neg := byLabel(c.Labels, c.Scores)
		got, ok := Temperature(pos, neg)
		if near(t, "temperature", got, c.Temperature, 1e-5); !ok {
			t.Error("no temperature")
		}
	}
}

func TestAsStatsmodels(t *testing.T) {
	s := stored(t)
	for _, w := range s.Wilson {
		i := Wilson(w.K, w.N)
		near(t, "low", i.Low, w.Interval[0], exact)
		near(t, "high", i.High, w.Interval[1], exact)
	}
	for _, m := range s.McNemar {
		near(t, fmt.Sprintf("McNemar %d, %d", m.B, m.C), McNemar(m.B, m.C), m.P, exact)
	}
	for i, p := range Holm(s.Holm.P) {
		near(t, "Holm", p, s.Holm.Adjusted[i], exact)
	}
}

// A resample of groups must spread as a resample of rows does.
func TestPairedF1(t *testing.T) {
	same, p := PairedF1(Cells{90, 0, 0, 10}, Cells{5, 0, 0, 895}, 500, 1)
	if same.Value != 0 || !(same.Low < 0 && same.High > 0) || same.High > 0.02 || p != 1 {
		t.Errorf("equal decisions of 1,000 rows: %v, p %v", same, p)
	}
	d, p := PairedF1(Cells{90, 0, 0, 10}, Cells{5, 45, 0, 850}, 2000, 1)
	if !(d.Value > 0 && d.Low > 0 && d.Low < d.Value && d.Value < d.High && p < 0.01) {
		t.Errorf("fewer false positives: %v, p %v", d, p)
	}
	if again, q := PairedF1(Cells{90, 0, 0, 10}, Cells{5, 45, 0, 850}, 2000, 1); again != d || p != q {
		t.Error("the same seed gave another answer")
	}
}

func BenchmarkFinish(b *testing.B) {
	for b.Loop() {
		s := NewSet()
		for i := range 110_000 {
			s.Add(Observation{Malicious: i%11 == 0, Flagged: i%13 == 0, Threat: float64(i*7919%100_003) / 100_003})
		}
		s.Finish(0.01, 2000, 1)
	}
}

func TestGroupedBootstrapSpreadsAsRowsDo(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var pos, neg []float64
	for range 1500 {
		neg = append(neg, rng.NormFloat64())
	}
	for range 300 {
		pos = append(pos, rng.NormFloat64()+1.2)
	}
	var draws []float64
	p, n := make([]float64, len(pos)), make([]float64, len(neg))
	for range 600 {
		for i := range p {
			p[i] = pos[rng.IntN(len(pos))]
		}
		for i := range n {
			n[i] = neg[rng.IntN(len(neg))]
		}
		draws = append(draws, AveragePrecision(p, n))
	}
	slices.Sort(draws)
	slices.Sort(pos)
	slices.Sort(neg)
	got := AveragePrecisionInterval(pos, neg, 2000, 1)
	want := quantile(draws, 0.975) - quantile(draws, 0.025)
	near(t, "width of the interval", got.High-got.Low, want, 0.12*want)
}
