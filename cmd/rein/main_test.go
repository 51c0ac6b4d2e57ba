package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"

	"rein/cmd/rein/internal/lategc"
)

// A heap is first collected when it is of smallHeap.
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
	if p, l := debug.SetGCPercent(-1), debug.SetMemoryLimit(-1); p < 77 || l == smallHeap { // the limit may be what this process began with
		t.Errorf("afterwards GOGC is %d and the limit %d", p, l)
	}
}

// After the first collection a small heap is collected again at smallHeap, and a larger one as GOGC says.
func TestLatePercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{smallHeap / 8, 700}, {smallHeap / 2, 100}, {smallHeap, 77}, {8 * smallHeap, 77}} {
		if got := latePercent(77, c.live); got != c.want {
			t.Errorf("with %d live bytes GOGC is %d, want %d", c.live, got, c.want)
		}
	}
	if got := latePercent(77, 0); got <= 77 {
		t.Errorf("with an empty heap GOGC is %d", got)
	}
}

// A heap that was large and is small again is collected at smallHeap again: what a load leaves behind is mostly garbage.
func TestHeapsThatShrinkAreCollectedLate(t *testing.T) {
	usual := int(lategc.Percent) // this test's collections go on after it
	percent := debug.SetGCPercent(usual)
	defer debug.SetGCPercent(percent)
	gogc := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	becomes := func(right func(p uint64) bool) {
		t.Helper()
		for range 1000 { // what a collection starts runs some time after it
			if metrics.Read(gogc); right(gogc[0].Value.Uint64()) {
				return
			}
			runtime.GC()
		}
		t.Fatalf("GOGC stays at %d", gogc[0].Value.Uint64())
	}
	large := make([]byte, 4*smallHeap)
	runtime.GC()
	stayLate(usual)
	becomes(func(p uint64) bool { return p == uint64(usual) })
	runtime.KeepAlive(large)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}} // other tests may have left more than a small heap
	becomes(func(p uint64) bool {
		metrics.Read(live)
		return p > uint64(usual) || latePercent(usual, live[0].Value.Uint64()) == usual
	})
}

// Nothing is collected before main: on a machine with two cores that took as long as all else that a short command does.
func TestStartsWithoutACollection(t *testing.T) {
	out := startTraced(t, "gctrace=1")
	if strings.Contains(out, "gc 1 @") {
		t.Errorf("rein version collects garbage:\n%s", out)
	}
}
