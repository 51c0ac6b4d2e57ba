package slurm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/engine"
)

// fakeSbatch puts a program named sbatch first on the PATH that refuses, in Slurm's words, arrays of more than most tasks, and
// notes in a file how many tasks it took.
func fakeSbatch(t *testing.T, most int, refusal string) (log string) {
	t.Helper()
	dir := t.TempDir()
	log = filepath.Join(dir, "log")
	script := fmt.Sprintf(`#!/bin/sh
cat > /dev/null
n=1
for a in "$@"; do case $a in --array=0-*) n=$(( ${a#--array=0-} + 1 ));; esac; done
if [ $n -gt %d ]; then echo "sbatch: error: %s" >&2; exit 1; fi
echo $n >> %s
wc -l < %s
`, most, refusal, log, log)
	if err := os.WriteFile(filepath.Join(dir, "sbatch"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return log
}

// An array that the queue has no room for, or that is longer than the cluster allows, goes in halves; each task goes once, and
// knows its place.
func TestArraysAreHalved(t *testing.T) {
	for name, refusal := range map[string]string{
		"full":     "AssocMaxSubmitJobLimit; Batch job submission failed: Job violates accounting/QOS policy (MaxSubmitJobs)",
		"too long": "Batch job submission failed: Invalid job array specification",
	} {
		t.Run(name, func(t *testing.T) {
			log := fakeSbatch(t, 3, refusal)
			group := waiting(t, 11)
			New(Config{}).submit.deliver(group)
			ids := map[string]bool{}
			for i, p := range group {
				if err := <-p.done; err != nil {
					t.Fatalf("%d: %v", i, err)
				}
				if ids[p.attempt.id] || p.attempt.id == "" {
					t.Errorf("task %d is job %q, as another is", i, p.attempt.id)
				}
				ids[p.attempt.id] = true
			}
			b, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			total := 0
			for _, n := range strings.Fields(string(b)) {
				total += int(n[0] - '0')
			}
			if total != len(group) {
				t.Errorf("%d tasks were sent for %d attempts: %q", total, len(group), b)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		log := fakeSbatch(t, 0, "Batch job submission failed: Invalid partition name specified")
		group := waiting(t, 2)
		New(Config{}).submit.deliver(group)
		for _, p := range group {
			if err := <-p.done; err == nil || !strings.Contains(err.Error(), "Invalid partition") {
				t.Error(err)
			}
		}
		if _, err := os.Stat(log); err == nil {
			t.Error("something was sent")
		}
	})
}

// waiting are n attempts that are ready to be sent.
func waiting(t *testing.T, n int) []*pending {
	var out []*pending
	for i := range n {
		a := newAttempt(Config{}, fmt.Sprint(i), engine.Resources{})
		a.job.Dir, a.job.Emit = t.TempDir(), func(engine.Event) {}
		out = append(out, &pending{attempt: a, ctx: t.Context(), done: make(chan error, 1)})
	}
	return out
}
