package steps

import (
	"slices"
	"sync"
	"testing"

	"rein/engine"
)

// A phase must be reported when it begins and when it ends, and never backwards, however many goroutines add to it.
func TestCountTellsBeginAndEnd(t *testing.T) {
	var told []int64
	env := NewEnv(&engine.Call{Emit: func(e engine.Event) {
		if e.Action == engine.ActionProgress && e.Unit == "rows scored" && e.Total == 1000 {
			told = append(told, e.Done)
		}
	}})
	c := env.Count(1000, "rows scored")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 100 {
				c.Add(1)
			}
		})
	}
	wg.Wait()
	if len(told) < 2 || told[0] != 0 || told[len(told)-1] != 1000 || !slices.IsSorted(told) {
		t.Errorf("told %v", told)
	}
	(*Count)(nil).Add(1)
}
