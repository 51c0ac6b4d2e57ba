package dag

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawDAG makes a graph in which every vertex depends on lower ones only.
func drawDAG(t *rapid.T) [][]int {
	deps := make([][]int, rapid.IntRange(0, 12).Draw(t, "n"))
	for v := range deps {
		for d := range v {
			if rapid.IntRange(0, 2).Draw(t, "edge") == 0 {
				deps[v] = append(deps[v], d)
			}
		}
	}
	return deps
}

func of(deps [][]int) func(int) []int { return func(v int) []int { return deps[v] } }

func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		deps := drawDAG(t)
		order, cycle := Order(len(deps), of(deps))
		if cycle != nil || len(order) != len(deps) {
			t.Fatalf("order %v, cycle %v", order, cycle)
		}
		at := make([]int, len(order))
		for i, v := range order {
			at[v] = i
		}
		for v, ds := range deps {
			for _, d := range ds {
				if at[d] > at[v] {
					t.Fatalf("%d comes after %d, which depends on it: %v", d, v, order)
				}
			}
		}
	})
}

func TestOrderIsDepthFirst(t *testing.T) {
	// Two chains: the first is finished before the second begins.
	deps := [][]int{{2}, {3}, {4}, {5}, nil, nil}
	if order, _ := Order(6, of(deps)); !slices.Equal(order, []int{4, 2, 0, 5, 3, 1}) {
		t.Error(order)
	}
}

func TestCycle(t *testing.T) {
	deps := [][]int{{1}, {2}, {3}, {1}}
	order, cycle := Order(4, of(deps))
	if order != nil || !slices.Equal(cycle, []int{1, 2, 3}) {
		t.Errorf("order %v, cycle %v", order, cycle)
	}
	if _, cycle := Order(1, of([][]int{{0}})); !slices.Equal(cycle, []int{0}) {
		t.Errorf("a loop: %v", cycle)
	}
}

func TestLongChain(t *testing.T) {
	const n = 1_000_000
	one := [1]int{}
	deps := func(v int) []int {
		if v == n-1 {
			return nil
		}
		one[0] = v + 1
		return one[:]
	}
	if order, _ := Order(n, deps); len(order) != n || order[0] != n-1 {
		t.Error("a long chain is not ordered")
	}
}

func TestTimes(t *testing.T) {
	deps := [][]int{nil, {0}, nil, {1, 2}}
	w := []float64{3, 4, 5, 1}
	weight := func(v int) float64 { return w[v] }
	order, _ := Order(4, of(deps))
	length, path := LongestPath(order, of(deps), weight)
	if length != 8 || !slices.Equal(path, []int{0, 1, 3}) {
		t.Errorf("%v %v", length, path)
	}
	for slots, want := range map[int]float64{1: 13, 2: 8, 9: 8} {
		if got := Makespan(order, of(deps), weight, slots); got != want {
			t.Errorf("%d slots: %v, want %v", slots, got, want)
		}
	}
}

// No schedule beats the longest path or the work divided by the slots, and with one slot it is the sum.
func TestMakespanBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		deps := drawDAG(t)
		w := make([]float64, len(deps))
		sum := 0.0
		for i := range w {
			w[i] = float64(rapid.IntRange(0, 9).Draw(t, "weight"))
			sum += w[i]
		}
		weight := func(v int) float64 { return w[v] }
		order, _ := Order(len(deps), of(deps))
		longest, _ := LongestPath(order, of(deps), weight)
		slots := rapid.IntRange(1, 4).Draw(t, "slots")
		span := Makespan(order, of(deps), weight, slots)
		if span < longest || span < sum/float64(slots)-1e-9 || span > sum || slots == 1 && span != sum {
			t.Fatalf("span %v, longest path %v, sum %v, %d slots", span, longest, sum, slots)
		}
	})
}
