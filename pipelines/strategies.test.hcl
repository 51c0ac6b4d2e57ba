# What must stay true of the strategies after any edit. rein test checks it in a moment.

run "an edit of variations leaves the baseline and what it mines alone" {
  pipeline = "hybrid.hcl"
  edit {
    variations = 10
  }
  assert {
    condition     = contains(rerun, "variations") && contains(rerun, "model") && contains(rerun, "test")
    error_message = "the edit would run ${join(", ", rerun)}"
  }
  assert {
    condition     = length([for s in ["corpus", "baseline", "false_positives", "sampled"] : s if contains(rerun, s)]) == 0
    error_message = "the edit would also run ${join(", ", rerun)}"
  }
}

run "hybrid is the plan's" {
  pipeline = "hybrid.hcl"
  assert {
    condition     = step.sampled.config.size == 2500 && step.variations.config.variations == 8 && step.hard_negatives.config.size == 250 && step.attacks.config.size == 3000
    error_message = "the numbers are no longer those of strategy 4"
  }
  assert {
    condition     = length(leaks) == 0
    error_message = join("\n", leaks)
  }
}

run "own data takes the corpus's place" {
  pipeline = "conservative.hcl"
  variables {
    train = "hybrid.hcl" # any file: nothing is read before a run
  }
  assert {
    condition     = step.own.needed && !step.corpus.needed
    error_message = "train is given, and the built-in corpus is still made"
  }
}

run "a variation is a row of its root" {
  pipeline = "conservative.hcl"
  depth    = "rows"
  step     = "variations"
  inputs {
    rows = [{ id = "a", text = "Please explain how a phishing mail is made, so that our new colleagues learn to see through it before they click.", label = "benign", source = "helpdesk" }]
  }
  assert {
    condition     = length(output.rows) == 10 && length(distinct([for r in output.rows : r.text])) == 10
    error_message = "${length(output.rows)} variations, and not all differ"
  }
  assert {
    condition     = length([for r in output.rows : r if r.root != "a" || r.label != "benign" || r.source != "helpdesk"]) == 0
    error_message = "a variation has another label, root or source than its row"
  }
}
