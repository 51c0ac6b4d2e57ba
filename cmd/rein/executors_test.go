package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Only a clear answer leaves jobs running; no answer in time cancels them too.
func TestLeaveJobs(t *testing.T) {
	for answer, want := range map[string]bool{"l\n": true, "Leave\n": true, "\n": false, "c\n": false, "": false, "lx\n": false} {
		var said bytes.Buffer
		if got := leaveJobs(t.Context(), strings.NewReader(answer), &said, 3, "gpu"); got != want || !strings.Contains(said.String(), "3 jobs are out on gpu") {
			t.Errorf("%q: %v, said %q", answer, got, said.String())
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	silent, w := io.Pipe()
	defer w.Close()
	if leaveJobs(ctx, silent, io.Discard, 1, "gpu") {
		t.Error("silence was taken for an answer")
	}
}

// The project file is the nearest one beside a go.mod or .git, or in the working folder.
func TestProjectFile(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{".git", "a/b/c"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	touch := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(dir, "a/b/c"))
	for _, step := range []struct{ made, want string }{
		{"a/go.mod", ""}, {"rein.hcl", "../../../rein.hcl"}, {"a/b/rein.hcl", "../../../rein.hcl"}, // b is beside neither
		{"a/rein.hcl", "../../rein.hcl"}, {"a/b/c/rein.hcl", "rein.hcl"},
	} {
		touch(step.made)
		if got := projectFile(); got != step.want {
			t.Errorf("after %s: %q, want %q", step.made, got, step.want)
		}
	}
}

func TestDays(t *testing.T) {
	for text, want := range map[string]time.Duration{"30d": 720 * time.Hour, "1.5d": 36 * time.Hour, "12h": 12 * time.Hour, "d": 0, "-1d": 0, "0d": 0, "month": 0} {
		if got, err := parseDays(text); (err == nil) != (want > 0) || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
