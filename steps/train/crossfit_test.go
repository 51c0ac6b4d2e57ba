package train

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/stepstest"
)

// sourced returns rows of the given number of sources of each label. Only a word of the source's own shows the label.
func sourced(t *testing.T, sources, each int, seed uint64) []artifact.Row {
	rng := rand.New(rand.NewPCG(seed, 3))
	var rows []artifact.Row
	for s := range sources {
		own := make([]byte, 12) // no part of which tells more than the whole
		for i := range own {
			own[i] = byte('a' + rand.New(rand.NewPCG(uint64(s), uint64(i))).IntN(26))
		}
		for i := range each {
			words := []string{string(own)}
			for range 6 {
				words = append(words, fmt.Sprintf("w%d", rng.IntN(40)))
			}
			r := artifact.Row{ID: fmt.Sprintf("%d-%d-%d", seed, s, i), Text: strings.Join(words, " "), Source: fmt.Sprint("s", s), Label: artifact.Benign}
			if s%2 == 1 {
				r.Label, r.Category = artifact.Malicious, "injection"
			}
			rows = append(rows, r)
		}
	}
	return rows
}

func written(t *testing.T, rows []artifact.Row) artifact.Rows {
	t.Helper()
	out, err := artifact.WriteRows(filepath.Join(t.TempDir(), "rows"), rows)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// With cross-fitting, each validation row must be scored by a model that hasn't seen its source. The model that is kept has seen all
// sources.
func TestCrossFitJudgesUnseenSources(t *testing.T) {
	rows := sourced(t, 24, 40, 1)
	in := Inputs{Rows: written(t, rows[:16*40]), Validation: written(t, rows[16*40:])}
	c := toyConfig()
	c.CrossFit = 4
	env := stepstest.New(t, "model")
	out, err := run(t.Context(), env.Env, c, in)
	if err != nil {
		t.Fatal(err)
	}
	if a := env.Metrics["validation_auc"]; a < 0.25 || a > 0.75 {
		t.Errorf("AUC %.3f on sources that the models hadn't seen, where only sources tell the label", a)
	}
	texts, benign := make([]string, len(rows)), make([]bool, len(rows))
	for i, r := range rows {
		texts[i], benign[i] = r.Text, r.Label == artifact.Benign
	}
	scores, _ := scored(t, out.Model, texts)
	if a := auc(scores, func(i int) bool { return benign[i] }); a < 0.99 {
		t.Errorf("AUC %.3f on rows that the model was trained on, validation rows among them", a)
	}
	if info, err := out.Model.Info(); err != nil || info.Data.Validation != len(rows) || info.Data.Benign+info.Data.Malicious != len(rows) {
		t.Errorf("%+v, %v", info.Data, err)
	}
	if got := trained(env); got != "rows, model 1 of 5; rows, model 2 of 5; rows, model 3 of 5; rows, model 4 of 5; rows, model 5 of 5" {
		t.Errorf("progress of %q", got)
	}
	again := stepstest.New(t, "model")
	other, err := run(t.Context(), again.Env, c, in)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := os.ReadFile(filepath.Join(out.Model.Path, "weights.safetensors"))
	b, _ := os.ReadFile(filepath.Join(other.Model.Path, "weights.safetensors"))
	if len(a) == 0 || !bytes.Equal(a, b) {
		t.Error("the same training gave other bytes")
	}
}

// trained returns the units that the progress counted, each once, in order.
func trained(env *stepstest.Env) string {
	var units []string
	for _, p := range env.Progress {
		f := strings.Fields(p)
		units = append(units, strings.Join(f[3:], " "))
	}
	return strings.Join(slices.Compact(units), "; ")
}

// Groups consist of whole sources, each group has both labels, and variations of rows stay with their source.
func TestDeal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &dataset{}
		n := rapid.IntRange(2, 6).Draw(t, "groups")
		sizes := rapid.SliceOfN(rapid.IntRange(1, 20), 2*n, 40).Draw(t, "sizes")
		for s, size := range sizes {
			for i := range size {
				made := i > 0 && rapid.Bool().Draw(t, "made")
				d.class, d.made = append(d.class, s%2), append(d.made, made)
				d.source, d.root = append(d.source, fmt.Sprint("s", s)), append(d.root, fmt.Sprint(s, "-", i))
			}
		}
		group, err := d.deal(n)
		if err != nil {
			t.Fatal(err)
		}
		of, labels := map[string]int{}, map[[2]int]bool{}
		for i, g := range group {
			if before, ok := of[d.source[i]]; ok && before != g {
				t.Fatalf("source %s is in groups %d and %d", d.source[i], before, g)
			}
			of[d.source[i]] = g
			labels[[2]int{g, d.class[i]}] = true
		}
		if len(labels) != 2*n {
			t.Fatalf("%d groups with sources of sizes %v: %v", n, sizes, labels)
		}
	})
}

// Impossible configurations must be refused before the training starts.
func TestCrossFitRefuses(t *testing.T) {
	few := sourced(t, 4, 20, 1)
	for want, c := range map[string]func(*Config){
		"give fewer groups":           func(c *Config) { c.CrossFit = 3 },
		"leave seeds out":             func(c *Config) { c.CrossFit, c.Seeds = 2, 2 },
		"nothing to train on without": func(c *Config) { c.CrossFit = 1 },
	} {
		cfg := toyConfig()
		c(&cfg)
		err := cfg.Validate()
		if err == nil {
			_, err = run(t.Context(), stepstest.New(t, "model").Env, cfg, Inputs{Rows: written(t, few), Validation: written(t, few[:40])})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// An encoder is cross-fitted as n-grams are, and a row that is in both sets counts once.
func TestCrossFitOfAnEncoder(t *testing.T) {
	rows := sourced(t, 8, 12, 1)
	c := encoderConfig(0)
	c.Epochs, c.CrossFit = 1, 2
	in := Inputs{Rows: written(t, rows), Validation: written(t, rows[:4*12]), Base: artifact.File{Path: encodertest.Folder(t, "bert")}}
	out, err := run(t.Context(), stepstest.New(t, "model").Env, c, in)
	if err != nil {
		t.Fatal(err)
	}
	info, err := out.Model.Info()
	if err != nil || info.Kind != encoder.Kind || info.Data.CrossFit != 2 || info.Data.Validation != len(rows) || info.Data.Benign+info.Data.Malicious != len(rows) {
		t.Errorf("%s, %+v, %v", info.Kind, info.Data, err)
	}
}
