package train

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/mlx"
	"rein/steps/internal/ngram"
)

// fineTuned is a network of which all layers are trained: an encoder or a user's graph. Its word table is updated in Go; everything else is
// a GoMLX graph.
type fineTuned struct {
	reading
	env     *steps.Env
	cfg     Config
	dev     *mlx.Backend
	net     mlx.Trainer
	words   *ngram.Embedder // optimiser of the word table; nil if there is no table to train
	classes int
	encoder func() func(text string, dst []int32) []int32
	look    func(rows int, ids [][]int32) mlx.EncoderBatch // looks up the token vectors of rows
	arrays  func() [][]float32                             // returns the model's weights, up to date
	write   func(dir artifact.Model, info artifact.ModelInfo) error

	atOnce              int       // number of rows that are computed together
	targets, rows, drop []float32 // of one batch
}

// room allocates memory for batches. width is the number of values that dropout masks. perRow is the number of bytes that a row needs in
// training, or 0 if not known.
func (f *fineTuned) room(width int, fixed, perRow int64) *fineTuned {
	n := f.cfg.BatchSize
	f.targets, f.rows, f.drop = make([]float32, n*f.classes), make([]float32, n), make([]float32, n*width)
	f.atOnce = n
	if f.cfg.RowsAtOnce > 0 {
		f.atOnce = divisor(n, f.cfg.RowsAtOnce)
	} else if free := f.dev.FreeMemory(); free > 0 && perRow > 0 {
		f.atOnce = divisor(n, int(max((free*4/5-fixed)/perRow, 1)))
	}
	if f.atOnce < n {
		f.env.Logf("%d rows at a time of each update's %d", f.atOnce, n)
	}
	return f
}

// prepare compiles the graphs that the batches need before the first batch runs. Otherwise the measured speed would include compilation.
func (f *fineTuned) prepare(ctx context.Context, d *dataset, batches [][]int32) error {
	lengths := f.lengths(d, batches)
	for i := 0; i < len(lengths); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		f.env.Progress(int64(i), int64(len(lengths)), "lengths compiled")
		err := f.net.Compile(f.atOnce, lengths[i], f.atOnce < f.cfg.BatchSize)
		if mlx.OutOfMemory(err) && f.atOnce > 1 {
			f.shrink()
			lengths, i = f.lengths(d, batches), -1
		} else if err != nil {
			return err
		}
	}
	return nil
}

// lengths returns the lengths of parts of the batches for which no graph is compiled yet.
func (f *fineTuned) lengths(d *dataset, batches [][]int32) []int {
	var out []int
	for _, batch := range batches {
		for _, part := range chunks(batch, f.atOnce) {
			longest := 1
			for _, row := range part {
				longest = max(longest, len(d.corpus.Row(int(row))))
			}
			if l := f.net.Length(longest); !slices.Contains(out, l) && f.net.Compiles(f.atOnce, l) {
				out = append(out, l)
			}
		}
	}
	slices.Sort(out)
	return out
}

// divisor returns the greatest divisor of n that is at most limit.
func divisor(n, limit int) int {
	for d := min(n, limit); d > 1; d-- {
		if n%d == 0 {
			return d
		}
	}
	return 1
}

// begin implements learner. Nothing has to be done before the first epoch.
func (f *fineTuned) begin(context.Context, *dataset) error { return nil }

// slow implements learner. Measuring is slow because each row goes through the network.
func (f *fineTuned) slow() bool { return true }

func (f *fineTuned) encode(texts []string) *ngram.Corpus { return ngram.Collect(texts, f.encoder) }

// batches puts rows of about equal length into the same batch. It sorts by length only within windows of many batches, and shuffles the
// batches, so that the order stays random.
func (f *fineTuned) batches(d *dataset, order []int32, rng *rand.Rand) [][]int32 {
	const window = 64
	for _, w := range chunks(order, window*f.cfg.BatchSize) {
		byLength(d, w)
	}
	out := chunks(order, f.cfg.BatchSize)
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func byLength(d *dataset, order []int32) {
	slices.SortStableFunc(order, func(a, b int32) int {
		return cmp.Compare(len(d.corpus.Row(int(a))), len(d.corpus.Row(int(b))))
	})
}

func (f *fineTuned) lookup(d *dataset, rows []int32) mlx.EncoderBatch {
	ids := make([][]int32, len(rows))
	for r, row := range rows {
		ids[r] = d.corpus.Row(int(row))
	}
	return f.look(f.atOnce, ids)
}

// step computes the batch in parts that fit into the device's memory. If the memory runs out, it halves the parts and tries again.
func (f *fineTuned) step(d *dataset, batch []int32, rng *rand.Rand, scale float64) (float32, error) {
	f.cfg.targets(d, batch, f.targets, f.rows)
	f.cfg.dropout(f.drop, rng)
	for {
		parts := f.parts(d, batch)
		loss, grads, err := f.net.Step(parts, f.cfg.LearningRate*scale)
		if err == nil {
			if f.words != nil {
				f.scatter(parts, grads, float32(f.cfg.LearningRate*scale))
			}
			return loss, nil
		}
		if !mlx.OutOfMemory(err) || f.atOnce == 1 {
			return 0, err
		}
		f.shrink()
	}
}

// shrink at least halves the number of rows that are computed together.
func (f *fineTuned) shrink() {
	old := f.atOnce
	f.atOnce = divisor(f.cfg.BatchSize, f.atOnce/2)
	f.env.Notef("the device has no memory for %d rows at a time: going on with %d, whose gradients are added up; rows_at_once = %[2]d says so at once", old, f.atOnce)
}

// parts divides a batch into parts of at most atOnce rows. The weights make the parts' losses add up to the loss of the whole batch.
func (f *fineTuned) parts(d *dataset, batch []int32) []mlx.EncoderBatch {
	n, width := f.cfg.BatchSize, len(f.drop)/f.cfg.BatchSize
	var out []mlx.EncoderBatch
	for from := 0; from < len(batch); from += f.atOnce {
		to := from + f.atOnce
		b := f.lookup(d, batch[from:min(to, len(batch))])
		b.Targets, b.Drop = f.targets[from*f.classes:to*f.classes], f.drop[from*width:to*width]
		b.Weights = slices.Clone(f.rows[from:to])
		for i := range b.Weights {
			b.Weights[i] *= float32(f.atOnce) / float32(n)
		}
		out = append(out, b)
	}
	return out
}

// scatter updates the word table by the gradients of all parts together. A word that stands in several parts gets their gradients added in
// the order of the parts.
func (f *fineTuned) scatter(parts []mlx.EncoderBatch, grads [][]float32, rate float32) {
	var ids []int32
	for _, p := range parts {
		ids = append(ids, p.IDs...)
	}
	f.words.Scatter(ids, slices.Concat(grads...), rate, 0)
}

func (f *fineTuned) measure(d *dataset) (measured, error) {
	n := len(d.class)
	j := judgement{measured: measured{scores: make([]float32, n)}}
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	byLength(d, order)
	done := f.env.Count(int64(n), "rows measured")
	for len(order) > 0 {
		rows := order[:min(f.atOnce, len(order))]
		logits, err := f.net.Logits(f.lookup(d, rows))
		if err != nil && mlx.OutOfMemory(err) && f.atOnce > 1 {
			f.shrink()
			continue
		}
		if err != nil {
			return j.measured, err
		}
		for r, row := range rows {
			j.add(d, int(row), logits[r*f.classes:(r+1)*f.classes], f.cfg.Category)
		}
		done.Add(len(rows))
		order = order[len(rows):]
	}
	j.loss = j.losses / j.weights
	return j.measured, nil
}

func (f *fineTuned) weights() [][]float32 { return f.arrays() }

func (f *fineTuned) moments() ([][]float32, int) {
	values, step := f.net.Moments()
	if f.words != nil {
		values = append(values, f.words.Accum)
	}
	return values, step
}

func (f *fineTuned) restore(weights, moments [][]float32, step int) {
	fill(f.weights(), weights)
	if f.words != nil && moments != nil {
		last := len(moments) - 1
		copy(f.words.Accum, moments[last])
		moments = moments[:last]
	}
	f.net.Restore(moments, step)
}

func (f *fineTuned) save(dir artifact.Model, info artifact.ModelInfo) error {
	return f.write(dir, info)
}

func (f *fineTuned) close() {
	f.net.Close()
	f.dev.Close()
}
