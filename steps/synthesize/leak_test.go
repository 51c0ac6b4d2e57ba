package synthesize

import (
	"testing"

	"rein/steps/internal/leak"
	"rein/steps/stepstest"
)

// What is reported on doesn't resemble what is trained on, chosen with or mined.
func TestHeldOutRowsAreNew(t *testing.T) {
	c := Config{Seed: 3, Scale: 0.05, TrainBenign: 35634, TrainMalicious: 31682, Validation: 12000, Pool: 100000,
		TestBenign: 100000, TestMalicious: 10000, UnseenBenign: 8000, UnseenMalicious: 4000, TrainLookalikes: 0.015, PoolLookalikes: 0.06}
	env := stepstest.New(t, "train", "validation", "pool", "test", "unseen")
	out, err := run(t.Context(), env.Env, c, In{})
	if err != nil {
		t.Fatal(err)
	}
	memory, err := leak.Remember(t.Context(), leak.Use{Side: leak.Trains, Rows: out.Train},
		leak.Use{Side: leak.Chooses, Rows: out.Validation}, leak.Use{Side: leak.Trains, Rows: out.Pool})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []leak.Set{{Name: "test", Rows: out.Test}, {Name: "unseen", Rows: out.Unseen}} {
		f, err := memory.Check(t.Context(), s.Name, s.Rows, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Leaked) > 0 {
			t.Error(f)
		}
	}
	if len(env.Notes) > 0 {
		t.Errorf("notes: %q", env.Notes)
	}
}
