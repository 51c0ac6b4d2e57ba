package train

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"rein/steps/internal/mlx"
	"rein/steps/internal/ngram"
)

// python finds an interpreter that has the modules, or skips.
func python(t testing.TB, modules string) string {
	t.Helper()
	py := os.Getenv("REIN_PYTHON")
	if py == "" {
		py = "python3"
	}
	if err := exec.Command(py, "-c", "import "+modules).Run(); err != nil {
		t.Skipf("%s has no %s: set REIN_PYTHON to an interpreter that has", py, modules)
	}
	return py
}

// script runs a script of the bench folder, which prints JSON.
func script(t testing.TB, py string, result any, args ...string) {
	t.Helper()
	cmd := exec.Command(py, args...)
	cmd.Dir = "bench"
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, errs.String())
	}
	if err := json.Unmarshal(out.Bytes(), result); err != nil {
		t.Fatalf("%v printed %q: %v", args, out.String(), err)
	}
}

func dump(t testing.TB, dir, name string, values any) {
	t.Helper()
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, values); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// idRows are rows of the shared data as ids, also written into a folder for the scripts.
func idRows(t testing.TB, n int) (c Config, d *dataset, dir string, perRow float64) {
	t.Helper()
	parts := sharedRows(t)
	d = &dataset{perClass: make([]int, len(Classes()))}
	for _, row := range slices.Concat(parts[0], parts[1])[:n] {
		class := 0
		if row.Label != "benign" {
			class = family(Classes(), row.Category)
		}
		d.texts, d.ids = append(d.texts, row.Text), append(d.ids, row.ID)
		d.class, d.weight = append(d.class, class), append(d.weight, 1)
	}
	c = defaults()
	d.corpus = ngram.NewCorpus(c.ngram(), d.texts)
	dir = t.TempDir()
	var ids, classes []int32
	starts := []int64{0}
	for i, class := range d.class {
		ids = append(ids, d.corpus.Row(i)...)
		starts, classes = append(starts, int64(len(ids))), append(classes, int32(class))
	}
	dump(t, dir, "ids.bin", ids)
	dump(t, dir, "starts.bin", starts)
	dump(t, dir, "classes.bin", classes)
	return c, d, dir, float64(len(ids)) / float64(len(d.class))
}

// The same model, batch, ids and cores in PyTorch: reports both speeds.
func TestSpeedAgainstPyTorch(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	py := python(t, "torch, numpy")
	c, d, dir, perRow := idRows(t, 8000) // PyTorch takes its time
	const epochs = 2
	ours := ourSpeed(t, c, d, epochs)
	n := c.ngram()
	var theirs struct{ Dense, Sparse float64 }
	script(t, py, &theirs, "torch_ngram.py", dir, fmt.Sprint(n.Buckets), fmt.Sprint(n.Dim), fmt.Sprint(n.Hidden), fmt.Sprint(len(Classes())),
		fmt.Sprint(c.BatchSize), fmt.Sprint(epochs), fmt.Sprint(runtime.GOMAXPROCS(0)))
	again := ourSpeed(t, c, d, epochs)
	t.Logf("%d rows, %.0f ids a row, batch %d, %d cores: %.0f and %.0f rows/s; PyTorch dense Adam %.0f (%.1f times as slow), SparseAdam %.0f (%.1f)",
		len(d.class), perRow, c.BatchSize, runtime.GOMAXPROCS(0), ours, again,
		theirs.Dense, min(ours, again)/theirs.Dense, theirs.Sparse, min(ours, again)/theirs.Sparse)
}

// The same ids in fastText, as words, with as many dimensions and threads, without our hidden layer: reports both speeds.
func TestSpeedAgainstFastText(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	py := python(t, "fasttext, numpy")
	c, d, dir, perRow := idRows(t, 20_000)
	const epochs = 10
	ours := ourSpeed(t, c, d, epochs)
	var theirs struct{ Rows float64 }
	script(t, py, &theirs, "fasttext_ngram.py", dir, fmt.Sprint(c.ngram().Dim), fmt.Sprint(runtime.GOMAXPROCS(0)))
	again := ourSpeed(t, c, d, epochs)
	t.Logf("%d rows, %.0f ids a row, %d dimensions, %d threads: %.0f and %.0f rows/s, fastText %.0f (%.2f and %.2f times its speed)", len(d.class), perRow,
		c.ngram().Dim, runtime.GOMAXPROCS(0), ours, again, theirs.Rows, ours/theirs.Rows, again/theirs.Rows)
}

// ourSpeed trains some epochs, the linear part first, and returns rows a second.
func ourSpeed(t testing.TB, c Config, d *dataset, epochs int) float64 {
	t.Helper()
	b, err := mlx.Open("cpu", false)
	if err != nil {
		t.Fatal(err)
	}
	net, err := newNetwork(b, c, ngram.NewModel(c.ngram(), len(Classes()), 1))
	if err != nil {
		t.Fatal(err)
	}
	defer net.close()
	begin := time.Now()
	if err := net.begin(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	for e := range epochs {
		rng := rand.New(rand.NewPCG(1, uint64(e)))
		order := make([]int32, len(d.class))
		for i := range order {
			order[i] = int32(i)
		}
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, batch := range net.batches(d, order, rng) {
			if _, err := net.step(d, batch, rng, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	return float64(epochs*len(d.class)) / time.Since(begin).Seconds()
}
