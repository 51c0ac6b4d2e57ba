package train

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/internal/mlx"
	"rein/steps/stepstest"
)

func encoderConfig(atOnce int) Config {
	c := toyConfig()
	c.Epochs, c.BatchSize, c.RowsAtOnce, c.LearningRate, c.Clip = 2, 32, atOnce, 0.01, 1
	c.Model = &ModelConfig{Buckets: 1024, Dim: 8, Hidden: 8, MaxTokens: 64}
	return c
}

// Computing fewer rows together may change only rounding, because the same rows make an update.
func TestRowsAtOnce(t *testing.T) {
	in := Inputs{Rows: toy(t, 300, 1), Validation: toy(t, 120, 2), Base: artifact.File{Path: encodertest.Folder(t, "bert")}}
	losses := map[int]float64{}
	for _, n := range []int{0, 12} { // 12 is no divisor of 32: 8 is taken
		env := stepstest.New(t, "model")
		if _, err := run(t.Context(), env.Env, encoderConfig(n), in); err != nil {
			t.Fatal(err)
		}
		losses[n] = env.Metrics["validation_loss"]
		if said := strings.Contains(strings.Join(env.Logs, "\n"), "8 rows at a time of each update's 32"); said != (n > 0) {
			t.Errorf("rows_at_once %d: said so: %v; %q", n, said, env.Logs)
		}
	}
	if d := math.Abs(losses[0] - losses[12]); d > 0.01*losses[0] {
		t.Errorf("validation loss %v with whole batches, %v in parts", losses[0], losses[12])
	}
}

// small is a device with memory for a limited number of rows.
type small struct {
	mlx.Trainer
	rows  int
	tries *int
}

func (s small) check(rows int) error {
	if *s.tries++; rows > s.rows {
		return errors.New("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 123 bytes")
	}
	return nil
}

func (s small) Step(parts []mlx.EncoderBatch, rate float64) (float32, [][]float32, error) {
	if err := s.check(parts[0].Rows); err != nil {
		return 0, nil, err
	}
	return s.Trainer.Step(parts, rate)
}

func (s small) Logits(b mlx.EncoderBatch) ([]float32, error) {
	if err := s.check(b.Rows); err != nil {
		return nil, err
	}
	return s.Trainer.Logits(b)
}

// loopOn begins a training on a device that wraps the real one.
func loopOn(t *testing.T, env *stepstest.Env, c Config, in Inputs, device func(mlx.Trainer) mlx.Trainer) *loop {
	t.Helper()
	s, err := prepare(t.Context(), c, in)
	if err != nil {
		t.Fatal(err)
	}
	net, err := open(env.Env, &c, in)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(net.close)
	f := net.(*fineTuned)
	f.net = device(f.net)
	s.rows.ready(net)
	s.validation.ready(net)
	l := &loop{env: env.Env, cfg: c, net: net, rows: s.rows, validation: s.validation}
	if err := l.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// If the device runs out of memory, fewer rows are computed together. The result must equal that of a training that began with as few.
func TestOutOfMemoryGoesOn(t *testing.T) {
	in := Inputs{Rows: toy(t, 300, 1), Validation: toy(t, 120, 2), Base: artifact.File{Path: encodertest.Folder(t, "bert")}}
	train := func(atOnce, room int) ([]byte, *stepstest.Env, error) {
		c := encoderConfig(atOnce)
		env := stepstest.New(t, "model")
		tries := 0
		l := loopOn(t, env, c, in, func(net mlx.Trainer) mlx.Trainer { return small{net, room, &tries} })
		if err := l.run(t.Context()); err != nil {
			return nil, env, err
		}
		dir := artifact.Model{Path: env.Out("model")}
		if err := l.net.save(dir, artifact.ModelInfo{}); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir.Path, "weights.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return b, env, nil
	}
	want, _, err := train(8, 100)
	if err != nil {
		t.Fatal(err)
	}
	got, env, err := train(0, 8)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Error("a training that found 8 rows at a time by running out of memory gave other weights than one that was told so")
	}
	if notes := strings.Join(env.Notes, "\n"); !strings.Contains(notes, "no memory for 32 rows at a time: going on with 16") || !strings.Contains(notes, "rows_at_once = 8") {
		t.Errorf("notes %q", notes)
	}
	if _, _, err := train(0, 0); err == nil || !strings.Contains(err.Error(), "RESOURCE_EXHAUSTED") {
		t.Errorf("without room for a row: %v", err)
	}
}

// slow is a device that compiles for each length and has memory for a limited number of rows.
type slow struct {
	mlx.Trainer
	rows  int
	made  map[[2]int]bool
	tries []string
}

func (s *slow) Length(longest int) int { return (longest + 3) / 4 * 4 }

func (s *slow) Compiles(rows, length int) bool { return !s.made[[2]int{rows, length}] }

func (s *slow) Compile(rows, length int, parts bool) error {
	s.tries = append(s.tries, fmt.Sprintf("%dx%d %v", rows, length, parts))
	if rows > s.rows {
		return errors.New("RESOURCE_EXHAUSTED: out of memory")
	}
	s.made[[2]int{rows, length}] = true
	return nil
}

// A device that compiles must do so before the first row, once for each length. If its memory runs out, it compiles for fewer rows.
func TestCompilesAhead(t *testing.T) {
	c := encoderConfig(0)
	in := Inputs{Rows: toy(t, 300, 1), Validation: toy(t, 40, 2), Base: artifact.File{Path: encodertest.Folder(t, "bert")}}
	env := stepstest.New(t, "model")
	device := &slow{rows: 16, made: map[[2]int]bool{}}
	l := loopOn(t, env, c, in, func(net mlx.Trainer) mlx.Trainer { device.Trainer = net; return device })
	if err := l.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(device.tries[0], "32x") || !strings.HasSuffix(device.tries[0], "false") {
		t.Errorf("first a whole batch: %q", device.tries)
	}
	seen := map[string]bool{}
	for _, s := range device.tries[1:] {
		if !strings.HasPrefix(s, "16x") || !strings.HasSuffix(s, "true") || seen[s] {
			t.Errorf("then halves, once for each length: %q", device.tries)
			break
		}
		seen[s] = true
	}
	if len(seen) < 2 {
		t.Errorf("lengths: %q", device.tries)
	}
	first := slices.Index(env.Progress, fmt.Sprintf("0 of %d rows", 2*300))
	compiled := slices.Index(env.Progress, fmt.Sprintf("0 of %d lengths compiled", len(seen)))
	if first < 0 || compiled < 0 || compiled > first {
		t.Errorf("progress %q", env.Progress)
	}
}

func TestDivisor(t *testing.T) {
	for n := 1; n <= 64; n++ {
		for limit := 0; limit <= 70; limit++ {
			d := divisor(n, limit)
			if d < 1 || n%d != 0 || d > max(limit, 1) {
				t.Fatalf("divisor(%d, %d) = %d", n, limit, d)
			}
		}
	}
}
