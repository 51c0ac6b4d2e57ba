package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestLease(t *testing.T) {
	ctx := t.Context()
	s := open(t, t.TempDir(), Options{})
	action := Sum([]byte("k"))
	first, err := s.Lease(ctx, action, nil)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := s.TryLease(action); l != nil || err != nil {
		t.Errorf("TryLease of a held one: %v, %v", l, err)
	}
	waits, got := make(chan struct{}), make(chan error)
	go func() {
		l, err := s.Lease(ctx, action, func() { close(waits) })
		if err == nil {
			err = l.Release()
		}
		got <- err
	}()
	<-waits
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	l, _ := s.TryLease(action)
	cancel()
	if _, err := s.Lease(cancelled, action, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled wait: %v", err)
	}
	l.Release()
	if left, _ := os.ReadDir(filepath.Join(s.Dir(), leasesDir)); len(left) > 1 {
		t.Errorf("lease files are left: %v", left)
	}
}

// A store that is only read can tell that a lease is held, and looking leaves nothing behind.
func TestLeased(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	reader := open(t, s.Dir(), Options{ReadOnly: true})
	action := Sum([]byte("k"))
	looks := func(want bool) {
		t.Helper()
		for _, of := range []*Store{s, reader} {
			if got, err := of.Leased(action); err != nil || got != want {
				t.Errorf("leased: %v, %v; want %v", got, err, want)
			}
		}
	}
	looks(false)
	if left, _ := os.ReadDir(filepath.Join(s.Dir(), leasesDir)); len(left) > 0 {
		t.Errorf("looking made %v", left)
	}
	l, err := s.TryLease(action)
	if err != nil || l == nil {
		t.Fatalf("%v, %v", l, err)
	}
	looks(true)
	if other, err := s.Leased(Sum([]byte("other"))); err != nil || other {
		t.Errorf("another action is leased too: %v, %v", other, err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	looks(false)
}
