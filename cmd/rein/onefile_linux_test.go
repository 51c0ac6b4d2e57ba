package main

import (
	"debug/elf"
	"os"
	"slices"
	"strings"
	"testing"
)

// rein is one file that runs anywhere: it needs nothing but the C library, and remembers no folder of the machine that built it.
func TestProgramNeedsOnlyTheCLibrary(t *testing.T) {
	path, err := os.Executable() // this test: all of rein is linked into it
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	needed, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for _, lib := range needed {
		if !slices.Contains([]string{"libc", "libdl", "libpthread", "libresolv", "libm", "ld-linux-x86-64", "ld-linux-aarch64"}, strings.SplitN(lib, ".so", 2)[0]) {
			t.Errorf("it needs %s", lib)
		}
	}
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		if dirs, err := f.DynString(tag); err != nil || len(dirs) > 0 {
			t.Errorf("%v is %q, %v", tag, dirs, err)
		}
	}
}
