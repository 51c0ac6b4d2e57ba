package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A command that does little pays for what all packages do before main: regular expressions, tables and templates are made when they are
// first used. A package of ours that makes one of them at the start takes more memory than this.
func TestStartsWithLittle(t *testing.T) {
	const most, mostOfAll = 48 << 10, 384 << 10 // bytes
	out := startTraced(t, "inittrace=1")
	packages, all := 0, 0
	for line := range strings.Lines(out) { // init rein/steps/train @12 ms, 0.09 ms clock, 38456 bytes, 277 allocs
		f := strings.Fields(line)
		if len(f) < 9 || f[0] != "init" || !strings.HasPrefix(f[1], "rein/") {
			continue
		}
		bytes, err := strconv.Atoi(f[7])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if packages, all = packages+1, all+bytes; bytes > most {
			t.Errorf("%s takes %d bytes before main", f[1], bytes)
		}
	}
	if packages == 0 {
		t.Fatalf("no package of ours: %s", out)
	}
	if all > mostOfAll {
		t.Errorf("%d packages take %d bytes before main", packages, all)
	}
}

// startTraced runs rein version with a value of GODEBUG, and returns what it writes.
func startTraced(t *testing.T, debug string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	rein := filepath.Join(t.TempDir(), "rein") // TestMain goes by the name
	if err := os.Symlink(self, rein); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(rein, "version")
	cmd.Env = append(os.Environ(), "GODEBUG="+debug)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}
