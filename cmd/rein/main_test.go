package main

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// A heap is first collected when it is of smallHeap, and again when it is so; a larger one as it was before that was put off.
func TestSmallHeapsAreCollectedLate(t *testing.T) {
	percent := debug.SetGCPercent(100)
	limit := debug.SetMemoryLimit(5 << 40)
	defer debug.SetGCPercent(percent)
	defer debug.SetMemoryLimit(limit)
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	over := collectLater(77)
	if debug.SetGCPercent(-1) != -1 || debug.SetMemoryLimit(-1) != smallHeap {
		t.Fatal("the first collection isn't put off")
	}
	runtime.GC()
	<-over
	if p, l := debug.SetGCPercent(-1), debug.SetMemoryLimit(-1); p <= 77 || l == smallHeap { // the limit may be what this process began with
		t.Errorf("afterwards GOGC is %d and the limit %d", p, l)
	}
	large := make([]byte, smallHeap)
	runtime.GC()
	stayLate(77)
	if p := debug.SetGCPercent(-1); p != 77 {
		t.Errorf("of a large heap GOGC is %d", p)
	}
	runtime.KeepAlive(large)
}

// Nothing is collected before main: on a machine with two cores that took as long as all else that a short command does.
func TestStartsWithoutACollection(t *testing.T) {
	out := startTraced(t, "gctrace=1")
	if strings.Contains(out, "gc 1 @") {
		t.Errorf("rein version collects garbage:\n%s", out)
	}
}
