package index

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// The state of an index stays through reads, and is another after any write, also one that another process made in between.
func TestState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	x := New(dir, false)
	if err := errors.Join(os.Mkdir(dir, 0o755), x.Update(t.Context(), func(t *Txn) error { return t.Set([]byte("a"), []byte("1")) })); err != nil {
		t.Fatal(err)
	}
	if _, ok := x.State(); ok {
		t.Error("an index that is open for writing has a state")
	}
	empty, first, ok, err := x.Settle()
	if now, still := x.State(); !ok || !still || now != first || empty == first || err != nil {
		t.Fatal("what was settled isn't the state", ok, still, err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	read := func(x *Index) {
		t.Helper()
		if err := x.View(t.Context(), func(txn *Txn) error { return txn.Read([]byte("a"), func([]byte) error { return nil }) }); err != nil {
			t.Fatal(err)
		}
	}
	y := New(dir, false)
	defer y.Close()
	read(y)
	if found, s, ok, err := y.Settle(); !ok || s != first || found != first || err != nil {
		t.Error("reading has changed the state", ok)
	}
	other := New(dir, false)
	if err := errors.Join(other.Update(t.Context(), func(t *Txn) error { return t.Set([]byte("b"), []byte("1")) }), other.Close()); err != nil {
		t.Fatal(err)
	}
	if s, ok := y.State(); !ok || s == first {
		t.Error("a write leaves the state as it was", ok)
	}
	read(y)
	if _, _, ok, _ := y.Settle(); ok {
		t.Error("what another process has changed in between is settled")
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, ok := y.State(); ok {
		t.Error("an index that is gone has a state")
	}
}
