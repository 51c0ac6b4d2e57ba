//go:build linux && cgo && (amd64 || arm64)

package hugepages

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

// The memory of a value on the heap has the flag with which the kernel may back it with huge pages.
func TestTheHeapAsksForHugePages(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Skip("this kernel has no huge pages")
	}
	if flags := flagsAt(t, uintptr(unsafe.Pointer(onHeap()))); !strings.Contains(flags+" ", " hg ") {
		t.Errorf("the heap has the flags %q, without hg", flags)
	}
}

//go:noinline
func onHeap() *[64]byte { return new([64]byte) }

// flagsAt returns the flags of the mapping that holds an address, from /proc/self/smaps.
func flagsAt(t *testing.T, at uintptr) string {
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	head := regexp.MustCompile(`^([0-9a-f]+)-([0-9a-f]+) `)
	inside := false
	for line := range strings.Lines(string(text)) {
		if m := head.FindStringSubmatch(line); m != nil {
			from, _ := strconv.ParseUint(m[1], 16, 64)
			to, _ := strconv.ParseUint(m[2], 16, 64)
			inside = uint64(at) >= from && uint64(at) < to
		} else if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && inside {
			return strings.TrimSpace(flags)
		}
	}
	t.Fatalf("no mapping holds %#x", at)
	return ""
}
