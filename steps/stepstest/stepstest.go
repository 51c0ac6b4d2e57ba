// Package stepstest provides an environment without an engine for the tests of steps.
package stepstest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"rein/cache"
	"rein/engine"
	"rein/steps"
)

// Env is a steps.Env that records what the step reported.
type Env struct {
	*steps.Env
	mu         sync.Mutex
	Metrics    map[string]float64
	DeviceName string
	Series     map[string][][2]float64
	Notes      []string
	Logs       []string
	Progress   []string // such as "3 of 10 rows"
}

// New returns an Env with a path for each output port and an empty memo in memory.
func New(t testing.TB, outputs ...string) *Env {
	t.Helper()
	return NewWithMemo(t, &Memo{}, outputs...)
}

// NewWithMemo returns an Env like New's that uses m, which may hold the values of earlier runs.
func NewWithMemo(t testing.TB, m *Memo, outputs ...string) *Env {
	t.Helper()
	e := &Env{Metrics: map[string]float64{}, Series: map[string][][2]float64{}}
	c := &engine.Call{Outputs: map[string]string{}, Scratch: t.TempDir(), Checkpoint: t.TempDir(), Memo: m, Emit: e.emit}
	dir := t.TempDir()
	for _, p := range outputs {
		c.Outputs[p] = filepath.Join(dir, p)
	}
	e.Env = steps.NewEnv(c)
	return e
}

func (e *Env) emit(ev engine.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch ev.Action {
	case engine.ActionMetric:
		if ev.Metric == "device" {
			e.DeviceName = ev.Text
			return
		}
		e.Metrics[ev.Metric] = ev.Value
	case engine.ActionSeries:
		e.Series[ev.Metric] = append(e.Series[ev.Metric], [2]float64{ev.At, ev.Value})
	case engine.ActionProgress:
		e.Progress = append(e.Progress, fmt.Sprintf("%d of %d %s", ev.Done, ev.Total, ev.Unit))
	case engine.ActionNote:
		e.Notes = append(e.Notes, ev.Text)
	case engine.ActionLog:
		e.Logs = append(e.Logs, ev.Text)
	}
}

// Memo is a row memo in memory. It counts hits and the values put into it.
type Memo struct {
	mu   sync.Mutex
	m    map[cache.Digest][]byte
	Hits int
	Puts int
}

// GetMany implements engine.Memo.
func (m *Memo) GetMany(_ context.Context, keys []cache.Digest) ([][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([][]byte, len(keys))
	for i, k := range keys {
		if out[i] = m.m[k]; out[i] != nil {
			m.Hits++
		}
	}
	return out, nil
}

// PutMany implements engine.Memo.
func (m *Memo) PutMany(_ context.Context, keys []cache.Digest, values [][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.m == nil {
		m.m = map[cache.Digest][]byte{}
	}
	m.Puts += len(keys)
	for i, k := range keys {
		m.m[k] = values[i]
	}
	return nil
}

// IsVerdict tells whether err is a verdict, not a fault.
func IsVerdict(err error) bool {
	var v *engine.Verdict
	return errors.As(err, &v)
}
