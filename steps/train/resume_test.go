package train

import (
	"context"

	"rein/steps/internal/mlx"
	"rein/steps/stepstest"
)

// stopAfter trains some epochs, leaves a checkpoint and stops, as a killed process would.
func stopAfter(ctx context.Context, cancel func(), env *stepstest.Env, c Config, in Inputs, epochs int) error {
	rows, validation, err := prepare(ctx, env.Env, c, in)
	if err != nil {
		return err
	}
	b, err := mlx.Open("auto", false)
	if err != nil {
		return err
	}
	defer b.Close()
	net, err := newNetwork(b, c, fresh(c))
	if err != nil {
		return err
	}
	l := newLoop(env.Env, c, net, rows, validation)
	for range epochs {
		loss, err := l.epoch(ctx, l.state.Epoch)
		if err != nil {
			return err
		}
		l.state.Epoch++
		net.unpack()
		l.judge(loss)
	}
	if err := l.checkpoint(); err != nil {
		return err
	}
	cancel()
	return l.run(ctx)
}
