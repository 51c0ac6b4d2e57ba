package enginetest

import (
	"testing"

	"rein/cache"
	"rein/engine"
)

// ActionID is the key that an op without inputs has.
func ActionID(t testing.TB, s *cache.Store, op engine.Op) string {
	t.Helper()
	f, err := engine.Plan(t.Context(), Graph(&engine.Node{Name: "x", Op: op}), engine.Options{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	return f.Pipelines[0].Steps[0].ActionID
}
