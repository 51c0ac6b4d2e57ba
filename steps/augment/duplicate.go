package augment

import (
	"context"
	"fmt"

	"rein/steps/internal/text"
)

// duplicateMethod copies rows as they are. It stands alone: it is the control that shows what variations do beyond their
// number. merge leaves out equal texts unless it is told to keep them.
const duplicateMethod = "duplicate"

// duplicates tells whether rows are only to be copied.
func (c Config) duplicates() bool { return c.Methods[duplicateMethod] > 0 }

// checkDuplicate refuses copies among variations: nobody could tell afterwards what did what.
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

// copies writes each job's row as often as it would have been varied.
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
