package lang

import (
	"sync/atomic"
	"testing"
)

func TestOnAllCores(t *testing.T) {
	for _, n := range []int{0, 1, 1000} {
		calls := make([]atomic.Int32, n)
		onAllCores(n, func(i int) { calls[i].Add(1) })
		for i := range calls {
			if got := calls[i].Load(); got != 1 {
				t.Errorf("%d of %d: called %d times", i, n, got)
			}
		}
	}
}

func TestPanicGoesOnInTheCaller(t *testing.T) {
	defer func() {
		if r := recover(); r != "odd" {
			t.Errorf("recovered %v", r)
		}
	}()
	onAllCores(100, func(i int) {
		if i%2 == 1 {
			panic("odd")
		}
	})
}
