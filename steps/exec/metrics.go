package exec

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"rein/steps"
)

// readMetrics reports what the program wrote to REIN_METRICS: a number is a metric, an array of numbers is a curve.
func readMetrics(path string, env *steps.Env) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would be waited for, and no signal ends that
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(err, errors.New("REIN_METRICS: the step made something else there than a file"))
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(b, &values); err != nil {
		return fmt.Errorf("REIN_METRICS: not a JSON object of numbers: %w", err)
	}
	for name, raw := range values {
		var v float64
		var curve []float64
		switch {
		case json.Unmarshal(raw, &v) == nil && string(raw) != "null":
			env.Metric(name, v)
		case json.Unmarshal(raw, &curve) == nil && string(raw) != "null":
			for i, y := range curve {
				env.Series(name, float64(i), y)
			}
		default:
			return fmt.Errorf("REIN_METRICS: %s is %.40s: a number or an array of numbers is wanted", name, raw)
		}
	}
	return nil
}
