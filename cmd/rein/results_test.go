package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What is known of a pipeline without a run has the edges that a run records, also those that are for the order alone.
func TestPresentHasTheEdgesOfARun(t *testing.T) {
	dir := t.TempDir()
	file, state := filepath.Join(dir, "p.hcl"), filepath.Join(dir, ".rein")
	const text = `pipeline "p" {}
step "exec" "first" {
  command = ["sh", "-c", "echo hi > $REIN_OUT_o"]
  outputs = ["o"]
}
step "exec" "second" {
  command = ["sh", "-c", "cat $REIN_IN_t > $REIN_OUT_o"]
  inputs  = { t = step.first.o }
  outputs = ["o"]
}
step "exec" "last" {
  command    = ["sh", "-c", "echo ho > $REIN_OUT_o"]
  outputs    = ["o"]
  depends_on = [step.second]
}
`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	s := streams{strings.NewReader(""), &out, &out}
	if status := execute(t.Context(), s, []string{"run", "-q", "--state", state, file}); status != 0 {
		t.Fatalf("%d: %s", status, out.String())
	}
	a := &app{streams: s, state: state, ctx: t.Context()}
	p, err := a.load([]string{file}, &loadFlags{})
	if err != nil {
		t.Fatal(err)
	}
	store, err := a.store(true)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now, err := a.present(t.Context(), store, p)
	if err != nil {
		t.Fatal(err)
	}
	runs, _, err := readRuns(store, 1)
	if err != nil || len(runs) != 1 {
		t.Fatal(runs, err)
	}
	if len(now[0].steps) != 3 {
		t.Fatalf("%d of 3 steps are cached", len(now[0].steps))
	}
	for _, step := range now[0].steps {
		if want := recordedStep(runs[0], "p", step.Name).Needs; !slices.Equal(step.Needs, want) {
			t.Errorf("%s needs %q, the run recorded %q", step.Name, step.Needs, want)
		}
	}
}
