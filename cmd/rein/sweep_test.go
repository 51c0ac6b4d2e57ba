package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rein/cache"
	"rein/cmd/rein/internal/runlog"
	"rein/engine/record"
)

// sweptPipeline has steps that use none, one or both of two variables, by for_each, when and locals.
const sweptPipeline = `pipeline "p" {}
variable "n" {
  type    = number
  default = 1
}
variable "word" {
  type    = string
  default = "x"
}
locals {
  both = "${var.n} ${var.word}"
}
step "exec" "shared" {
  command = ["sh", "-c", "echo shared > \"$REIN_OUT_o\""]
  outputs = ["o"]
}
step "exec" "numbered" {
  for_each = toset([for i in range(var.n) : tostring(i)])
  command  = ["sh", "-c", "cat \"$REIN_IN_o\" > \"$REIN_OUT_o\"; echo \"$1\" >> \"$REIN_OUT_o\"", "sh", each.key]
  inputs   = { o = step.shared.o }
  outputs  = ["o"]
}
step "exec" "long" {
  when    = var.n > 1
  command = ["sh", "-c", "echo \"$1\" > \"$REIN_OUT_o\"", "sh", var.word]
  outputs = ["o"]
}
step "exec" "test" {
  command = ["sh", "-c", "printf '{\"fp_rate\": 0.%s}' \"$1\" > \"$REIN_METRICS\"; cat \"$REIN_IN_o\" > \"$REIN_OUT_o\"; echo \"$2\" >> \"$REIN_OUT_o\"", "sh", tostring(var.n), local.both]
  inputs  = { o = step.numbered["0"].o }
  outputs = ["o"]
}
compare { result = step.test }
`

// Each point of a sweep is, byte for byte, what a run of its own with the point's values makes.
func TestSweepPointsEqualSeparateRuns(t *testing.T) {
	words := []string{"x", "two words", `quo"ted`, "${not} %{a} template", "back\\slash", "naïve"}
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		dir := t.TempDir()
		file := filepath.Join(dir, "p.hcl")
		if err := os.WriteFile(file, []byte(sweptPipeline), 0o644); err != nil {
			t.Fatal(err)
		}
		numbers := []string{fmt.Sprint(1 + r.IntN(2)), fmt.Sprint(3 + r.IntN(2))}
		r.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		swept, own := filepath.Join(dir, "swept"), filepath.Join(dir, "own")
		block := fmt.Sprintf("%s\nsweep {\n  n    = [%s]\n  word = [%s, %s]\n}\n", sweptPipeline, strings.Join(numbers, ", "), hclText(words[0]), hclText(words[1]))
		if err := os.WriteFile(filepath.Join(dir, "swept.hcl"), []byte(strings.Replace(block, `"p"`, `"swept"`, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		rein(t, "compare", "--state", swept, "-q", filepath.Join(dir, "swept.hcl"))
		points := recorded(t, swept)
		if len(points) != 4 {
			t.Fatalf("%d points", len(points))
		}
		for _, n := range numbers {
			for _, word := range words[:2] {
				rein(t, "run", "--state", own, "-q", "--var", "n="+n, "--var", "word="+word, file)
				runs := recorded(t, own)
				alone := outputs(runs[len(runs)-1])
				at := slices.IndexFunc(points, func(p record.Pipeline) bool { return maps.Equal(outputs(p), alone) })
				if at < 0 {
					t.Fatalf("n=%s word=%s: no point makes what a run makes: %v", n, word, alone)
				}
				points = slices.Delete(points, at, at+1)
			}
		}
	}
}

// hclText writes a text as the language does.
func hclText(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(fmt.Sprintf("%q", s))
}

// rein runs a command in this process.
func rein(t *testing.T, args ...string) {
	t.Helper()
	var said bytes.Buffer
	if code := execute(t.Context(), streams{strings.NewReader(""), io.Discard, &said}, args); code != exitOK {
		t.Fatalf("rein %s: exit status %d: %s", strings.Join(args, " "), code, said.String())
	}
}

// recorded are the pipelines of all runs of a state folder, the oldest first.
func recorded(t *testing.T, state string) (out []record.Pipeline) {
	t.Helper()
	store, err := cache.Open(state, cache.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ids, err := store.Runs()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		r, err := runlog.Read(store, id)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r.Pipelines...)
	}
	return out
}

// outputs are the contents of all outputs of a pipeline, by step and port.
func outputs(p record.Pipeline) map[string]string {
	out := map[string]string{}
	for _, s := range p.Steps {
		for port, b := range s.Outputs {
			out[s.Name+"."+port] = b.Digest.String()
		}
	}
	return out
}
