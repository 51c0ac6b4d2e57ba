package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rein/pipelines/compare/comparetest"
	"rein/steps/artifact"
	"rein/steps/stats"
)

// raceScript races points of which "quality" says how many attacks of ten they find; the evaluations are made beforehand.
const raceScript = `
# Points that are shown to lose leave between folds, and their other folds never run.
exec rein compare --sweep quality=2,3,8,9 --design race p.hcl --format json -o r.json
stderr 'race, round 1 of 4: 4 points, nothing is shown to lose'
stderr 'race, round 2 of 4: 4 points, dropped: quality=2, quality=3'
stderr 'race, round 4 of 4: 2 points, nothing is shown to lose'
grep '"work": 12' r.json
grep '"Left of 4 points: p quality=9, p quality=8. The race did 12 of the 16 rounds that all points would take."' r.json
grep '"missing": "dropped after round 2 of 4: p quality=9 has a recall at 1% FP rate, own traffic that is higher by 70.0 points on 20 attacks"' r.json
exec sh -c 'grep -c part ran'
stdout '^12$'
# What is left is measured in full.
exec sh -c 'grep -c all ran'
stdout '^2$'

# The same again runs nothing and says the same; so does a question.
exec rein compare --sweep quality=2,3,8,9 --design race p.hcl --format json -o again.json -q
exec sed 's/"status": "ran"/"status": "cached"/' r.json
cp stdout cached.json
cmp cached.json again.json
exec rein compare --no-run --sweep quality=2,3,8,9 --design race p.hcl --format json -o asked.json -q
cmp cached.json asked.json
exec sh -c 'grep -c part ran'
stdout '^12$'

# A sweep block says so too, and the table has the answer.
exec rein compare raced.hcl
stdout 'Left of 4 points: raced quality=9, raced quality=8'
stdout 'raced quality=2 was dropped after round 2: raced quality=9 has'

# The budget ends a race between rounds, and what isn't measured in full says why. The first round is there already.
exec rein run -q first.hcl
exits 3 rein compare --sweep quality=4,5 --design race --budget 1ns p.hcl --format json -o short.json
stderr 'race, round 1 of 4: 2 points, nothing is shown to lose'
! stderr 'round 2 of 4: 2'
grep '"stopped": "the budget of .* has no time for round 2 of 4"' short.json
grep '"missing": "the budget of .* has no time for round 2 of 4"' short.json

# All seeds of a fold are one round; without folds the seeds are the rounds.
exec rein compare --sweep quality=1,9 --seeds 2 --design race p.hcl --format json -o seeds.json
stderr 'race, round 2 of 4: 2 points, dropped: quality=1'
grep '"p quality=1 seed=2"' seeds.json
exec rein compare --sweep quality=1,9 --seeds 2 --design race whole.hcl
stderr 'race, round 1 of 2: 2 points, dropped: quality=1'

-- p.hcl --
pipeline "p" {}
variable "seed" { default = 1 }
variable "quality" { default = 5 }
step "exec" "part" {
  for_each = toset(["1", "2", "3", "4"])
  command  = ["sh", "-c", "echo part >> ${env("WORK", "")}/ran; cp \"$REIN_IN_scores\" \"$REIN_OUT_scores\"; cp \"$REIN_IN_report\" \"$REIN_OUT_report\"; echo '{\"tp_rate\": 0.5}' > \"$REIN_METRICS\""]
  inputs   = { scores = file("scores-${var.quality}-${each.key}"), report = file("report-${each.key}") }
  outputs  = ["scores", "report"]
}
step "exec" "test" {
  command = ["sh", "-c", "echo all >> ${env("WORK", "")}/ran; cp \"$REIN_IN_scores\" \"$REIN_OUT_scores\"; cp \"$REIN_IN_report\" \"$REIN_OUT_report\"; echo '{\"tp_rate\": 0.5}' > \"$REIN_METRICS\""]
  inputs  = { one = step.part["1"].scores, two = step.part["2"].scores, three = step.part["3"].scores, four = step.part["4"].scores, scores = file("scores-${var.quality}-all"), report = file("report-all") }
  outputs = ["scores", "report"]
}
compare { result = step.test }
-- first.hcl --
pipeline "first" {}
step "exec" "part" {
  for_each = toset(["4", "5"])
  command  = ["sh", "-c", "echo part >> ${env("WORK", "")}/ran; cp \"$REIN_IN_scores\" \"$REIN_OUT_scores\"; cp \"$REIN_IN_report\" \"$REIN_OUT_report\"; echo '{\"tp_rate\": 0.5}' > \"$REIN_METRICS\""]
  inputs   = { scores = file("scores-${each.key}-1"), report = file("report-1") }
  outputs  = ["scores", "report"]
}
-- raced.hcl --
pipeline "raced" { extends = "p.hcl" }
sweep {
  design  = "race"
  quality = [2, 3, 8, 9]
}
-- whole.hcl --
pipeline "whole" {}
variable "seed" { default = 1 }
variable "quality" { default = 5 }
step "exec" "test" {
  command = ["sh", "-c", "cp \"$REIN_IN_scores\" \"$REIN_OUT_scores\"; cp \"$REIN_IN_report\" \"$REIN_OUT_report\"; echo '{\"tp_rate\": 0.5}' > \"$REIN_METRICS\""]
  inputs  = { scores = file("scores-${var.quality}-all"), report = file("report-all") }
  outputs = ["scores", "report"]
}
compare { result = step.test }
`

func TestRace(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "race.txtar"), []byte(raceScript), 0o644); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: dir, Cmds: scriptCmds, Setup: func(env *testscript.Env) error {
		var all [10][]artifact.Scored
		for fold := 1; fold <= 4; fold++ {
			for quality := range 10 {
				rows := foldRows(fold, quality)
				all[quality] = append(all[quality], rows...)
				if err := writeEvaluation(env.WorkDir, quality, fmt.Sprint(fold), rows); err != nil {
					return err
				}
			}
		}
		for quality, rows := range all {
			if err := writeEvaluation(env.WorkDir, quality, "all", rows); err != nil {
				return err
			}
		}
		return nil
	}})
}

// foldRows are the scored rows of a fold's model that finds so many of its ten attacks.
func foldRows(fold, quality int) (rows []artifact.Scored) {
	for i := range 110 {
		row := artifact.Scored{ID: fmt.Sprint(fold, "-", i), Set: stats.OwnTraffic, Label: artifact.Benign, Score: 0.001 * float64(i)}
		if i >= 100 {
			row.Label, row.Score = artifact.Malicious, 0.02
			if i < 100+quality {
				row.Score = 0.9
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func writeEvaluation(dir string, quality int, fold string, rows []artifact.Scored) error {
	if _, err := comparetest.WriteScores(filepath.Join(dir, fmt.Sprintf("scores-%d-%s", quality, fold)), rows); err != nil {
		return err
	}
	b, err := json.Marshal(stats.Report{Threshold: 0.5, Sets: map[string]*stats.Set{stats.OwnTraffic: {Data: "rows of fold " + fold}}})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "report-"+fold), b, 0o644)
}
