package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// After the first collection memory is collected as it was before it was put off.
func TestTheFirstCollectionIsTheLastThatIsLate(t *testing.T) {
	percent := debug.SetGCPercent(77)
	limit := debug.SetMemoryLimit(5 << 40)
	defer debug.SetGCPercent(percent)
	defer debug.SetMemoryLimit(limit)
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	over := collectLater()
	if debug.SetGCPercent(-1) != -1 || debug.SetMemoryLimit(-1) != smallHeap {
		t.Fatal("the first collection isn't put off")
	}
	runtime.GC()
	<-over
	if p, l := debug.SetGCPercent(-1), debug.SetMemoryLimit(-1); p != 77 || l != 5<<40 {
		t.Errorf("afterwards GOGC is %d and the limit %d", p, l)
	}
}
