package train

import (
	"context"
	"os"
	"path/filepath"

	"rein/steps/stepstest"
)

// stopAfter trains some epochs, leaves a checkpoint and stops, as a killed process would.
func stopAfter(ctx context.Context, cancel func(), env *stepstest.Env, c Config, in Inputs, epochs int) error {
	s, err := prepare(ctx, c, in)
	if err != nil {
		return err
	}
	net, err := open(env.Env, &c, in)
	if err != nil {
		return err
	}
	defer net.close()
	s.rows.ready(net)
	s.validation.ready(net)
	l := &loop{env: env.Env, cfg: c, net: net, rows: s.rows, validation: s.validation, dir: filepath.Join(env.Checkpoint(), "seed-3")}
	if err := os.Mkdir(l.dir, 0o755); err != nil {
		return err
	}
	if err := l.start(ctx); err != nil {
		return err
	}
	for range epochs {
		loss, err := l.epoch(ctx, l.state.Epoch)
		if err != nil {
			return err
		}
		l.state.Epoch++
		if err := l.judge(loss); err != nil {
			return err
		}
	}
	if err := l.checkpoint(); err != nil {
		return err
	}
	cancel()
	return l.run(ctx)
}
