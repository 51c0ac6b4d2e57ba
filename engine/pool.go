package engine

import (
	"fmt"
	"math"
	"slices"
)

// pool grants this process's share of the machine: job slots, memory and GPUs. Only the goroutine of the run uses it, so it has no lock.
// Shares of other rein processes are held as tokens.
type pool struct {
	slots, freeSlots   int
	memory, freeMemory int64    // memory 0: not counted
	gpus               []string // those that are free
	hasGPU             bool
	away               map[Executor]int // jobs that are out, by executor
}

// grant is what a step was given.
type grant struct {
	slots  int
	memory int64
	gpus   []string
	away   Executor // not nil: a slot among the executor's jobs, and nothing of this machine
}

func newPool(jobs int, m machine) *pool {
	return &pool{slots: jobs, freeSlots: jobs, memory: m.memory, freeMemory: m.memory, gpus: slices.Clone(m.gpus), hasGPU: len(m.gpus) > 0, away: map[Executor]int{}}
}

// check says why r could never be granted, even with nothing else running.
func check(r Resources, m machine) error {
	if r.GPU > len(m.gpus) {
		return fmt.Errorf("needs %d GPUs, this machine shows %d (CUDA_VISIBLE_DEVICES and /dev/nvidia*)", r.GPU, len(m.gpus))
	}
	if m.memory > 0 && r.Memory > m.memory {
		return fmt.Errorf("needs %d MiB of memory, this machine has %d MiB", r.Memory>>20, m.memory>>20)
	}
	return nil
}

// take grants r if it is free now. A step that asks for more CPUs than there are slots gets all slots.
func (p *pool) take(r Resources) (grant, bool) {
	g := grant{slots: p.slotsOf(r), memory: r.Memory}
	if p.memory == 0 {
		g.memory = 0
	}
	if g.slots > p.freeSlots || g.memory > p.freeMemory || r.GPU > len(p.gpus) {
		return grant{}, false
	}
	p.freeSlots -= g.slots
	p.freeMemory -= g.memory
	g.gpus, p.gpus = slices.Clone(p.gpus[:r.GPU]), p.gpus[r.GPU:]
	return g, true
}

// needs is what u takes of the machine. A unit that measures time takes all slots; one that can use a GPU takes one if there is one.
func (p *pool) needs(u *unit) Resources {
	res := u.resources
	if u.desc.UsesGPU && res.GPU == 0 && p.hasGPU {
		res.GPU = 1
	}
	if u.desc.Exclusive {
		res.CPUs = math.MaxInt32
	}
	return res
}

// takeAway grants a slot among an executor's jobs.
func (p *pool) takeAway(x Executor) (grant, bool) {
	if p.away[x] >= max(x.MaxJobs(), 1) {
		return grant{}, false
	}
	p.away[x]++
	return grant{away: x}, true
}

// give takes a grant back.
func (p *pool) give(g grant) {
	if g.away != nil {
		p.away[g.away]--
		return
	}
	p.freeSlots += g.slots
	p.freeMemory += g.memory
	p.gpus = append(p.gpus, g.gpus...)
}

// slotsOf is how many slots r takes.
func (p *pool) slotsOf(r Resources) int {
	return min(max(int(math.Ceil(r.CPUs)), 1), p.slots)
}
