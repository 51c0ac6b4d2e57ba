package export

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/ort"
	"rein/steps/stepstest"
)

type checked struct {
	Logits    [][]float64
	Metadata  []string
	Operators map[string]int
}

// check runs bench/check_onnx.py on a graph, or skips.
func check(t *testing.T, graph string, rows, length int, ids []int64) checked {
	t.Helper()
	py := os.Getenv("REIN_PYTHON")
	if py == "" {
		py = "python3"
	}
	if err := exec.Command(py, "-c", "import onnx, onnxruntime, numpy").Run(); err != nil {
		t.Skipf("%s has no onnx, onnxruntime, numpy: set REIN_PYTHON to an interpreter that has", py)
	}
	var in, out, errs bytes.Buffer
	if err := binary.Write(&in, binary.LittleEndian, ids); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(py, filepath.Join("..", "train", "bench", "check_onnx.py"), graph, strconv.Itoa(rows), strconv.Itoa(length))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	var c checked
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// The exported graphs are valid for others, and Python's ONNX Runtime gives our logits.
func TestOthersCanUseTheGraph(t *testing.T) {
	for name, dir := range map[string]artifact.Model{"ngram": model(t), "encoder": transformerModel(t)} {
		env := stepstest.New(t, "model", "certificate")
		out, err := run(t.Context(), env.Env, Config{MaxDiff: 1e-3}, Inputs{Model: dir})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(out.Model.Path, artifact.ModelGraphFile)
		ids := []int64{2, 9, 11, 3, 2, 7, 3, 0}
		got := check(t, path, 2, 4, ids)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ort.Open(b, ort.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		want, err := s.Run(2, 4, ids)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range got.Logits {
			for j, v := range row {
				if d := math.Abs(v - float64(want[1][i*len(row)+j])); d > 1e-4 {
					t.Errorf("%s: logit %d of row %d: %v in Python, %v here", name, j, i, v, want[1][i*len(row)+j])
				}
			}
		}
		if !slices.Contains(got.Metadata, "classes") || !slices.Contains(got.Metadata, "threshold") {
			t.Errorf("%s: metadata %v", name, got.Metadata)
		}
		t.Logf("%s: operators %v", name, got.Operators)
	}
}

// transformerModel saves a tiny encoder.
func transformerModel(t *testing.T) artifact.Model {
	t.Helper()
	folder := encodertest.Folder(t, "distilbert")
	m, err := encoder.Read(folder, 3, 48, 1)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := m.OpenTokenizer(folder)
	if err != nil {
		t.Fatal(err)
	}
	dir := artifact.Model{Path: filepath.Join(t.TempDir(), "model")}
	if err := m.Save(dir, artifact.ModelInfo{Classes: []string{"benign", "jailbreak", "other"}, Threshold: 0.5}, tok); err != nil {
		t.Fatal(err)
	}
	return dir
}
