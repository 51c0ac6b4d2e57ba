package benchmark

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestPin(t *testing.T) {
	var before, during, after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	undo, pinned := pin(1)
	if err := unix.SchedGetaffinity(0, &during); err != nil {
		t.Fatal(err)
	}
	if !pinned || during.Count() != 1 {
		t.Errorf("pinned %v, to %d cores", pinned, during.Count())
	}
	undo()
	if err := unix.SchedGetaffinity(0, &after); err != nil || after != before {
		t.Errorf("not undone: %v, %v, %v", before, after, err)
	}
}
