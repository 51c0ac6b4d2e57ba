//go:build unix

package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rein/engine/enginetest"
)

// Out of files, or of room for a file, in the middle of a run: what fails says so in words, and the next run with
// enough of both is right.
func TestOutOfFilesAndRoom(t *testing.T) {
	for limit, want := range map[string]string{"NOFILE=24": "too many open files", "FSIZE=2000": "file too large"} {
		t.Run(limit, func(t *testing.T) {
			dir := t.TempDir()
			log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
			c := started("wide", state, log)
			var said strings.Builder
			c.Stderr = &said
			c.Env = append(os.Environ(), "LIMIT="+limit)
			if err := c.Run(); err == nil {
				t.Skip("the limit was not reached on this machine")
			}
			t.Logf("%s", said.String())
			if !strings.Contains(said.String(), want) && !strings.Contains(said.String(), ":failed") {
				t.Errorf("it said: %s", said.String())
			}
			if strings.Contains(said.String(), "goroutine ") {
				t.Errorf("it crashed: %s", said.String())
			}
			g, err := scenario("wide", []string{log})
			if err != nil {
				t.Fatal(err)
			}
			s := enginetest.Open(t, state)
			r := mustRun(t, g, options(s))
			if r.Verdict != "pass" {
				t.Fatal(enginetest.Statuses(r))
			}
			for _, st := range r.Pipelines[0].Steps {
				path, err := s.Path(t.Context(), st.Outputs["out"])
				if err != nil {
					t.Fatal(err)
				}
				if fi, err := os.Stat(path); err != nil || fi.Size() != wideSize {
					t.Errorf("%s: %v, %v", st.Name, fi.Size(), err)
				}
			}
		})
	}
}

// applyLimit sets the resource limit that LIMIT names.
func applyLimit() error {
	name, text, ok := strings.Cut(os.Getenv("LIMIT"), "=")
	if !ok {
		return nil
	}
	var n uint64
	if _, err := fmt.Sscan(text, &n); err != nil {
		return err
	}
	which := map[string]int{"NOFILE": syscall.RLIMIT_NOFILE, "FSIZE": syscall.RLIMIT_FSIZE}[name]
	return syscall.Setrlimit(which, &syscall.Rlimit{Cur: n, Max: n})
}
