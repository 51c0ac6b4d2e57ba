package export

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/scorer"
	"rein/steps/internal/windows"
	"rein/steps/stepstest"
)

// A model that reads long texts in windows is certified on them as it reads them, and the graph says its rule.
func TestExportsModelsThatReadWindows(t *testing.T) {
	var rows []artifact.Row
	for i := range 40 {
		rows = append(rows, artifact.Row{ID: fmt.Sprint(i), Label: artifact.Benign, Text: strings.Repeat(fmt.Sprintf("please write report %d about data ", i), 1+i)})
	}
	in, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	for rule, dir := range map[string]artifact.Model{windows.Max: transformerModel(t), windows.NoisyOr: userGraphModel(t)} {
		info, err := dir.Info()
		if err != nil {
			t.Fatal(err)
		}
		plain := scores(t, dir, rows)
		info.Windows = windows.Default(32, rule)
		if err := dir.WriteInfo(info); err != nil {
			t.Fatal(err)
		}
		env := stepstest.New(t, "model", "certificate")
		out, err := run(t.Context(), env.Env, Config{MaxDiff: 1e-4}, Inputs{Model: dir, Rows: in})
		if err != nil {
			t.Fatal(err)
		}
		if env.Metrics["certified_rows"] != 40 || env.Metrics["decisions_flipped"] != 0 {
			t.Errorf("%s: %v", rule, env.Metrics)
		}
		for graph, want := range map[string][]string{"trained": {"32 of 40", "40 of 40"}, "onnx": {"40 of 40"}} { // texts, not windows
			var told []string
			for _, p := range env.Progress {
				if n, ok := strings.CutSuffix(p, " rows by the "+graph+" graph"); ok && n != "0 of 40" {
					told = append(told, n)
				}
			}
			if last := told[len(told)-len(want):]; !slices.Equal(last, want) {
				t.Errorf("%s: progress of the %s graph %q, want %q", rule, graph, told, want)
			}
		}
		changed := false
		for i, v := range scores(t, out.Model, rows) {
			changed = changed || v != plain[i]
			if v < plain[i] {
				t.Errorf("%s: row %d scores %v in windows, its start %v", rule, i, v, plain[i])
			}
		}
		if !changed {
			t.Errorf("%s: windows change no score", rule)
		}
	}
}

func scores(t *testing.T, dir artifact.Model, rows []artifact.Row) []float32 {
	t.Helper()
	s, err := scorer.Open(t.Context(), dir, scorer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var texts []string
	for _, r := range rows {
		texts = append(texts, r.Text)
	}
	all, err := s.Score(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	var out []float32
	for _, v := range all {
		out = append(out, v.Threat)
	}
	return out
}
