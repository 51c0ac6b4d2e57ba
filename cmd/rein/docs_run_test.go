package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// mentions says of every command that running text names how it is run here, as a line of a script, or which test runs it.
var mentions = map[string]string{
	"COMMAND --help":           "exec rein plan --help",
	"cache gc --dry-run":       "exec rein cache gc --dry-run",
	"cache prune --unused 30d": "exec rein cache prune --unused 30d --yes",
	"cache pull":               "exec rein cache pull",
	"cache push":               "exec rein cache push",
	"cache rebuild":            "exec rein cache rebuild",
	"cache verify --repair":    "exec rein cache verify --repair",
	"compare":                  "TestScripts/compare_main",
	"compare --controls":       "TestScripts/compare_controls",
	"compare --details":        "TestScripts/compare_main",

	"compare --against champion": "TestScripts/promote",
	"completion bash":            "exec rein completion bash",
	"man DIR":                    "exec rein man manpages",
	"diff A B":                   "exec rein diff pipelines/p.hcl pipelines/q.hcl",
	"doctor":                     "exec rein doctor",
	"get":                        "exec rein get pipelines/p.hcl step.count.n",
	"plan":                       "exec rein plan",
	"run":                        "exec rein run",
	"run --force STEP":           "exec rein run --force count",
	"run --frozen":               "exec rein run --frozen",
	"run --verify":               "exec rein run --verify",
	"show":                       "exec rein show last",
	"steps TYPE":                 "exec rein steps augment",
	"show last":                  "exec rein show last",
	"show --json":                "exec rein show --json",
	"steps --reference":          "exec rein steps --reference",
	"why":                        "exec rein why p/count",
	"validate":                   "exec rein validate",
	"why --not FILE STEP":        "exec rein why --not pipelines/p.hcl count",
	"why FILE STEP":              "exec rein why pipelines/p.hcl count",
	"why STEP":                   "exec rein why p/count",

	"compare pipelines --executor gpu":     "TestSlurmStrategies",
	"diff main.. FILE":                     "TestScripts/diff",
	"run pipelines/hybrid.hcl":             "TestScripts/compare_main",
	"score":                                "TestScripts/score",
	"score PACKAGE":                        "TestTutorial",
	"step run":                             "TestSlurmStrategies",
	"step run ORDER":                       "TestSlurmStrategies",
	"step run --from URL NAME":             "TestSlurmFilesThroughTheCache",
	"run pipelines/balanced.hcl":           "TestScripts/compare_main",
	"compare pipelines --var train=FOLDER": "TestTutorial",
	"watch":                                "TestScripts/watch",
	"compare --sweep variations=4,8,12 pipelines/hybrid.hcl": "TestScripts/compare_sweep",
	"compare pipelines":                         "TestScripts/compare_main",
	"compare pipelines --no-run":                "TestScripts/compare_main",
	"compare pipelines --no-run -o report.html": "TestScripts/compare_main",
	"compare pipelines/beyond":                  "TestScripts/beyond",
	"compare pipelines pipelines/beyond --var train=../shared/data --var folds=5": "TestScripts/folds_ship", "run STRATEGY --var folds=N": "TestScripts/folds_ship",
	"cache key":               "TestScripts/sharing_signed",
	"bisect":                  "TestScripts/bisect",
	"promote":                 "TestScripts/promote",
	"calibrate":               "TestScripts/calibrate",
	"calibrate PACKAGE":       "TestScripts/calibrate",
	"score --explain":         "TestScripts/score",
	"score PACKAGE --explain": "TestScripts/score",
	"diff":                    "TestScripts/diff",
	"log --metrics NAME":      "TestScripts/log_figures",
	"init":                    "TestTutorial",
	"lsp":                     "TestLSP",
	"review":                  "TestScripts/review",
	"test":                    "TestScripts/test_shipped",
	"log --chart fp_rate":     "TestHowTosRun",

	"compare pipelines/beyond/sweep.hcl": "TestScripts/beyond",
	"compare pipelines pipelines/beyond": "TestScripts/beyond",
	"ui":                                 "TestUI",
	"version":                            "exec rein version",
}

// TestMentionedCommandsRun runs every command that the docs name in running text, on a project of two small strategies.
func TestMentionedCommandsRun(t *testing.T) {
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	script, seen := "exec rein run -q\n", map[string]bool{}
	for _, path := range append(docs, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mentioned.FindAllStringSubmatch(string(text), -1) {
			how, known := mentions[m[1]]
			if !known {
				t.Errorf("%s: nothing runs rein %s: give it a line in mentions", filepath.Base(path), m[1])
			}
			if !seen[m[1]] && strings.HasPrefix(how, "exec ") {
				script += how + "\n"
			}
			seen[m[1]] = true
		}
	}
	for m := range mentions {
		if !seen[m] {
			t.Errorf("no text names rein %s any more: take it out of mentions", m)
		}
	}
	script += `
-- go.mod --
module x
-- rein.hcl --
cache { remote = "file://shared" }
-- pipelines/p.hcl --
pipeline "p" {}
step "exec" "count" {
  command = ["sh", "-c", "wc -w < \"$REIN_IN_text\" > \"$REIN_OUT_n\""]
  inputs  = { text = file("notes.txt") }
  outputs = ["n"]
}
-- pipelines/q.hcl --
pipeline "q" { extends = "p.hcl" }
-- pipelines/notes.txt --
one two
`
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mentions.txtar"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: dir})
}
