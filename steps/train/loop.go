package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"time"

	"rein/steps"
	"rein/steps/artifact"
)

// checkpointEvery is the shortest time between two checkpoints. Trainings that take less time write none.
const checkpointEvery = 15 * time.Second

// loop trains a learner epoch by epoch.
type loop struct {
	windows    *artifact.Windows // how long texts are read; nil: they are cut
	env        *steps.Env
	cfg        Config
	net        learner
	rows       *dataset
	validation *dataset
	part       part
	state      *progress
	dir        string // folder of the checkpoint; "": none is written

	started, saved, reported time.Time
	before, took             float64 // seconds: of an earlier run that was killed, and of the training in total
}

// start continues from a checkpoint if there is a suitable one. Otherwise it begins with the first epoch.
func (l *loop) start(ctx context.Context) error {
	l.state, l.started, l.saved = &progress{BestIs: math.Inf(1)}, time.Now(), time.Now()
	if err := l.net.begin(ctx, l.rows); err != nil {
		return err
	}
	old, err := resume(l.dir)
	if err == nil && old != nil {
		err = l.fits(old)
	}
	if err != nil {
		l.env.Logf("starting from the first epoch: %v", err)
	}
	if old == nil || err != nil {
		return nil
	}
	l.net.restore(old.Weights, old.Moments, old.Step)
	l.state, l.before = old, old.Seconds
	for _, p := range old.Curves {
		l.env.Series(p.Name, float64(p.Epoch), p.Value)
	}
	l.env.Logf("going on after epoch %d of a training that was stopped or shorter", old.Epoch)
	return nil
}

// fits returns nil if the training may continue from a checkpoint: the trainings may differ only in the number of epochs. Otherwise the
// error says why not.
func (l *loop) fits(old *progress) error {
	switch {
	case old.Horizon != l.horizon():
		return fmt.Errorf("the rates of epoch %d followed another schedule; where schedule_epochs is set, more epochs go on from fewer", old.Epoch)
	case old.Epoch > l.cfg.Epochs:
		return fmt.Errorf("the checkpoint is of epoch %d already", old.Epoch)
	}
	return nil
}

// horizon returns what must be equal in a checkpoint that this training continues from; see progress.Horizon.
func (l *loop) horizon() int {
	if l.cfg.Horizon == 0 && l.cfg.continuable() {
		return 0
	}
	return l.cfg.horizon()
}

// leave writes the final checkpoint if a longer training can continue from it. Otherwise it removes the checkpoint.
func (l *loop) leave() error {
	if l.dir == "" {
		return nil
	}
	if !l.cfg.continuable() {
		return os.RemoveAll(l.dir)
	}
	return l.checkpoint()
}

func (l *loop) seconds() float64 { return l.before + time.Since(l.started).Seconds() }

// run trains until all epochs are done, or until validation stops improving. Afterwards state.Best holds the weights of the best epoch.
func (l *loop) run(ctx context.Context) error {
	for l.state.Epoch < l.cfg.Epochs && !l.exhausted() {
		trainLoss, err := l.epoch(ctx, l.state.Epoch)
		if err != nil {
			return err
		}
		l.state.Epoch++
		if err := l.judge(trainLoss); err != nil {
			return err
		}
		if time.Since(l.saved) > checkpointEvery && l.state.Epoch < l.cfg.Epochs {
			if err := l.checkpoint(); err != nil {
				return err
			}
		}
	}
	l.took = l.seconds()
	return l.leave()
}

// exhausted tells whether validation hasn't improved for too many epochs.
func (l *loop) exhausted() bool {
	return l.cfg.Patience > 0 && l.state.Epoch-l.state.BestAt >= l.cfg.Patience && l.state.Best != nil
}

// judge measures the validation rows and keeps the weights if they are the best so far. If the number of epochs is given, it keeps those of
// the last epoch instead.
func (l *loop) judge(trainLoss float64) error {
	if l.part.epochs > 0 {
		l.curve("train_loss", trainLoss)
		if l.state.Epoch == l.cfg.Epochs {
			l.keep(trainLoss)
		}
		return nil
	}
	v, err := l.net.measure(l.validation)
	if err != nil {
		return err
	}
	a := auc(v.scores, l.validation.benign)
	l.curve("train_loss", trainLoss)
	l.curve("validation_loss", v.loss)
	l.curve("validation_auc", a)
	l.curve("learning_rate", l.cfg.LearningRate*l.cfg.schedule(l.state.Epoch*l.batches()-1, l.cfg.horizon()*l.batches()))
	l.curve("rows_per_second", float64(l.state.Epoch*len(l.rows.class))/l.seconds())
	is := v.loss
	if l.cfg.Watch == "auc" {
		is = -a
	}
	l.env.Logf("epoch %d: loss %.4f, validation loss %.4f, AUC %.5f, %.0f rows/s",
		l.state.Epoch, trainLoss, v.loss, a, float64(l.state.Epoch*len(l.rows.class))/l.seconds())
	if is < l.state.BestIs {
		l.keep(is)
	}
	return nil
}

// keep copies the current weights as the best ones. is is their watched value.
func (l *loop) keep(is float64) {
	l.state.BestIs, l.state.BestAt, l.state.Best = is, l.state.Epoch, clones(l.net.weights())
}

func (l *loop) curve(name string, v float64) {
	if l.cfg.Seeds > 1 {
		name += fmt.Sprintf("_seed%d", l.cfg.Seed)
	}
	name = l.part.name + name
	l.state.Curves = append(l.state.Curves, point{name, l.state.Epoch, v})
	l.env.Series(name, float64(l.state.Epoch), v)
}

func (l *loop) checkpoint() error {
	s := l.state
	s.Weights, s.Seconds, s.Horizon = l.net.weights(), l.seconds(), l.horizon()
	s.Moments, s.Step = l.net.moments()
	l.saved = time.Now()
	return s.save(l.dir)
}

func (l *loop) batches() int { return (len(l.rows.class) + l.cfg.BatchSize - 1) / l.cfg.BatchSize }

// epoch makes one pass over the rows in a random order and returns the mean loss.
func (l *loop) epoch(ctx context.Context, epoch int) (float64, error) {
	rng := rand.New(rand.NewPCG(uint64(l.cfg.Seed), uint64(epoch)))
	order := make([]int32, len(l.rows.class))
	for i := range order {
		order[i] = int32(i)
	}
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	sum, done, batches := 0.0, 0, l.net.batches(l.rows, order, rng)
	total := l.cfg.horizon() * len(batches)
	if err := l.net.prepare(ctx, l.rows, batches); err != nil {
		return 0, err
	}
	l.reported = time.Time{}
	l.report(epoch * len(order))
	for b, batch := range batches {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		loss, err := l.net.step(l.rows, batch, rng, l.cfg.schedule(epoch*len(batches)+b, total))
		if err != nil {
			return 0, err
		}
		if math.IsNaN(float64(loss)) || math.IsInf(float64(loss), 0) {
			return 0, fmt.Errorf("epoch %d, batch %d of %d (rows %q, %q, ...): the loss is %v: lower learning_rate or head_rate",
				epoch+1, b+1, len(batches), l.rows.ids[batch[0]], l.rows.ids[batch[len(batch)-1]], loss)
		}
		sum += float64(loss)
		done += len(batch)
		l.report(epoch*len(order) + done)
	}
	return sum * float64(l.cfg.BatchSize) / float64(len(order)), nil
}

// report reports the progress, at most a few times a second.
func (l *loop) report(done int) {
	if now := time.Now(); now.Sub(l.reported) > 200*time.Millisecond {
		l.reported = now
		total := l.cfg.Epochs * len(l.rows.class)
		l.env.Progress(int64(min(done, total)), int64(total), l.part.rows())
	}
}

// sample returns the training rows on which the training loss is measured. These are all rows, or, if measuring is slow, as many as there
// are validation rows.
func (l *loop) sample() *dataset {
	if !l.net.slow() || len(l.rows.class) <= len(l.validation.class) {
		return l.rows
	}
	return l.rows.thinned(len(l.validation.class))
}
