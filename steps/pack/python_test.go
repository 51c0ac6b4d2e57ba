package pack

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/ngram"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/onnxgraph"
	"rein/steps/internal/windows"
	"rein/steps/score"
	"rein/steps/stepstest"
)

// python is an interpreter that can import modules, or skips the test.
func python(t *testing.T, modules ...string) string {
	t.Helper()
	py := os.Getenv("REIN_PYTHON")
	if py == "" {
		py = "python3"
	}
	if err := exec.Command(py, "-c", "import "+strings.Join(append(modules, "json"), ", ")).Run(); err != nil {
		t.Skipf("%s has not all of %q: set REIN_PYTHON to an interpreter that has", py, modules)
	}
	return py
}

// prompts are those of the data folder, where there is one, and texts of all that an attacker may write.
func prompts(t *testing.T, n int) []string {
	t.Helper()
	var out []string
	for _, name := range []string{"benign.jsonl", "malicious.jsonl"} {
		b, err := os.ReadFile(filepath.Join(os.Getenv("REIN_DATA"), name))
		if err != nil {
			continue // the folder is optional
		}
		lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
		for i := 0; i < len(lines); i += max(2*len(lines)/n, 1) {
			var r artifact.Row
			if err := json.Unmarshal(lines[i], &r); err != nil {
				t.Fatal(err)
			}
			out = append(out, r.Text)
		}
	}
	return append(out, oddities()...)
}

// oddities are texts at the rules' edges, and random ones of the characters that those are about.
func oddities() []string {
	out := []string{"", " ", "\x00", "a\x00b", "don't ''quote'' rock'n'roll ' 'tis o''clock", "ＩＧＮＯＲＥ ａｌｌ", "i g n o r e a l l", "1gn0r3 pr3v10us",
		"ignоrе аll", "αβγ привет", "\u200bzero\u200dwidth\ufeff", "ALL CAPS AND MORE", "!!!???###", "日本語のテキスト 漢字", "İSTANBUL ǅ ß ﬁ ½ ²", "a\u0301\u0300 e\u0301",
		"z" + strings.Repeat("\u0301\u0316", 40) + "z", strings.Repeat("x", 40), strings.Repeat("long é text ", 3000), "\u3000\u2003\u0085\x1c\x1d\t", "𝐀𝐁𝐂 𝕏", "a'b'c'", "ϒ ϓ"}
	rng := rand.New(rand.NewPCG(3, 3))
	pool := []rune(" aAbzZ019'\u2019,.!-_\t\néßİıǅﬁ½²аеосрαβωАΒ中文字かなカナ한글\u0301\u0316\u0344\u1ea4\u200b\u200d\u2060\ufeff\u00a0\u3000ａＡ１\U0001F600\u0e33\u0903")
	for range 400 {
		var b strings.Builder
		for range rng.IntN(120) {
			r := pool[rng.IntN(len(pool))]
			if rng.IntN(12) == 0 {
				r = rune(rng.IntN(0x600))
			}
			b.WriteRune(r)
		}
		out = append(out, b.String())
	}
	return out
}

// The extractor that a package carries for other programs gives the ids that the model was trained with.
func TestPythonMakesTheSameIDs(t *testing.T) {
	py := python(t)
	cfg := ngram.Default()
	rules, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	texts := prompts(t, 1000)
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(py, "-c", `
import json, sys
from ngram import Extractor
ids = Extractor(**json.loads(sys.argv[1]))
print(json.dumps([ids(t) for t in json.load(sys.stdin)]))`, string(rules))
	cmd.Dir, cmd.Stdin, cmd.Stderr = "python", bytes.NewReader(in), os.Stderr
	b, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got [][]int32
	if err := json.Unmarshal(b, &got); err != nil || len(got) != len(texts) {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	x, wrong := ngram.NewExtractor(cfg), 0
	for i, text := range texts {
		if want := x.Features(text, nil); !slices.Equal(got[i], want) {
			if wrong++; wrong <= 5 {
				t.Errorf("%q: %d ids, want %d", text[:min(len(text), 200)], len(got[i]), len(want))
			}
		}
	}
	t.Logf("%d texts, %d differ", len(texts), wrong)
}

// The script in a package scores as rein does, whatever the kind of model and tokenizer.
func TestPythonScoresTheSame(t *testing.T) {
	for name, m := range map[string]artifact.Model{"n-grams": ngramtest.Random(t, 0.5, true), "vocabulary": encoderModel(t, "distilbert", ""),
		"int8": encoderModel(t, "distilbert", onnxgraph.Quantized), "byte-level BPE": encoderModel(t, "roberta", ""), "tokenizer.json": encoderModel(t, "mpnet", "")} {
		near := 1e-5
		if name == "int8" {
			near = 1e-3 // another version of ONNX Runtime rounds to another step of 8 bits here and there
		}
		modules := []string{"numpy", "onnxruntime"}
		if name != "n-grams" {
			modules = append(modules, "tokenizers")
		}
		py := python(t, modules...)
		out, err := run(t.Context(), stepstest.New(t, "package").Env, Config{}, In{Model: m})
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, text := range prompts(t, 500) {
			if !strings.Contains(text, "\n") { // one a line
				texts = append(texts, text)
			}
		}
		cmd := exec.Command(py, filepath.Join(out.Package.Path, scriptFile))
		cmd.Stdin, cmd.Stderr = strings.NewReader(strings.Join(texts, "\n")+"\n"), os.Stderr
		b, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s, err := score.Open(t.Context(), out.Package.Path)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		want, err := s.Score(t.Context(), texts)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		if len(lines) != len(texts) {
			t.Fatalf("%s: %d answers to %d texts", name, len(lines), len(texts))
		}
		most := 0.0
		for i, line := range lines {
			var got score.Answer
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatalf("%s: %q: %v", name, line, err)
			}
			d := math.Abs(got.Score - want[i].Score)
			if most = max(most, d); d > near || got.Malicious != want[i].Malicious {
				t.Errorf("%s: %q: Python says %+v, rein %+v", name, texts[i], got, want[i])
			}
		}
		t.Logf("%s: %d texts, scores apart by %.2g at most", name, len(texts), most)
	}
}

// encoderModel is an exported encoder with random weights.
func encoderModel(t *testing.T, kind string, weights onnxgraph.Weights) artifact.Model {
	t.Helper()
	folder := encodertest.Folder(t, kind)
	m, err := encoder.Read(folder, 3, 48, 1)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := m.OpenTokenizer(folder)
	if err != nil {
		t.Fatal(err)
	}
	dir := artifact.Model{Path: filepath.Join(t.TempDir(), "model")}
	info := artifact.ModelInfo{Classes: []string{artifact.Benign, "jailbreak", "other"}, Threshold: 0.5, Weights: string(weights)}
	if weights == "" {
		info.Windows = map[string]*artifact.Windows{"roberta": windows.Default(48, windows.NoisyOr), "mpnet": {Rule: windows.Max, Overlap: 5, Most: 3}}[kind]
	}
	if err := m.Save(dir, info, tok); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir.Path, artifact.ModelGraphFile), m.Graph("rein", nil, weights), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}
