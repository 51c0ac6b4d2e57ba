package augment

import (
	"context"
	"fmt"

	"rein/steps/internal/text"
)

// duplicateMethod copies rows unchanged. It can't be combined with other methods, because it is the control: it shows what the same number
// of rows does without variation. merge leaves out equal texts unless it is told to keep them.
const duplicateMethod = "duplicate"

// duplicates tells whether the configuration asks for copies.
func (c Config) duplicates() bool { return c.Methods[duplicateMethod] > 0 }

// checkDuplicate refuses copies together with other methods: nobody could tell afterwards which of them had an effect.
func (c Config) checkDuplicate() error {
	if !c.duplicates() {
		return nil
	}
	for name, w := range c.Methods {
		if name != duplicateMethod && w > 0 {
			return fmt.Errorf("methods: %q stands alone, and %q is there too", duplicateMethod, name)
		}
	}
	return nil
}

// copies writes each job's row as many times as a variation of it would have been written.
func (w *writer) copies(ctx context.Context, jobs []job) error {
	for _, j := range jobs {
		r := w.rows[j.row]
		for n := range j.n {
			w.out = append(w.out, r.Child(text.ID(duplicateMethod, r.ID, fmt.Sprint(n)), r.Text, duplicateMethod))
		}
		w.made[duplicateMethod] += j.n
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
