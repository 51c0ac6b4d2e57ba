# The base of every strategy: train a baseline, mine its false positives, sample and vary them, retrain, measure.
# A strategy extends this file and says only how it differs. No pipeline block: it is not a strategy itself.

variable "train" {
  type        = path
  default     = ""
  description = "Labelled prompts (JSONL, CSV, Parquet; a file or a folder). Empty: the built-in corpus."
}
variable "pool" {
  type        = path
  default     = ""
  description = "Benign prompts to mine for false positives. Empty: split off `train` by source."
}
variable "test" {
  type        = path
  default     = ""
  description = "Labelled prompts to report on, never trained on. Empty: split off `train` by source."
}
variable "seed" {
  type    = number
  default = 1
}
variable "scale" {
  type        = number
  default     = 1
  description = "Share of the built-in corpus's size, for a quick look."
}
variable "false_positives" {
  type        = number
  default     = 1000
  description = "Unique false positives to sample."
}
variable "near_misses" {
  type        = number
  default     = 0.2
  description = "Where a pool of your own gives fewer false positives: this share of it, the highest threat scores first, may stand in. 0: nothing does."
}
variable "variations" {
  type        = number
  default     = 8
  description = "Variations to write of each sampled false positive."
}
variable "hard_negatives" {
  type    = number
  default = 100
}
variable "epochs" {
  type        = number
  default     = 10
  description = "At most; training stops early when validation stops improving."
}
variable "strata" {
  type        = map(number)
  default     = {}
  description = "Share of each stratum among the sampled false positives. Empty: as they were found."
}
variable "threshold_rule" {
  type        = string
  default     = "fp_rate"
  description = "Where validation rows put the threshold: fp_rate (recall is what 1% of false positives allow), recall (false positives are what a recall of 95% costs), f1."
}
variable "threshold_for" {
  type        = string
  default     = "new_sources"
  description = "Whose FP rate keeps the limit: new_sources (most sources that nobody has seen, by an order statistic over validation sources) or own_traffic (that of all validation rows together)."
}
variable "new_sources_share" {
  type        = number
  default     = null
  description = "Share of new sources that has to keep the limit. 0.9 takes 9 sources to choose by, 0.95 takes 19, and either costs recall. null: train-gpu's own, 17 of 20."
}
variable "threshold_folds" {
  type        = number
  default     = 4
  description = "Groups of your data's training sources. Each model is trained so many times more, without each group, for a threshold that rests on those sources, too; 0: on validation sources alone. Neither with folds nor with the built-in corpus, which has enough for validation."
}
variable "folds" {
  type        = number
  default     = 0
  description = "Groups of sources that change roles, 4 or more, so that each source is reported on as a new one; every fold trains models of its own. 0: one division."
}
variable "ship" {
  type        = bool
  default     = true
  description = "With folds: also train a model of every source, with a threshold from scores of models that haven't seen a row's source, and package it. false: only measure."
}
variable "mine_at_recall" {
  type        = number
  default     = 0.95
  description = "False positives are mined where the baseline has this recall on validation rows, if it flags less at its own threshold. 0: at its own."
}
variable "fp_rate_confidence" {
  type        = number
  default     = 0
  description = "How sure validation rows have to make it that the FP rate is at most 1%: 0.95 costs recall and keeps it 19 times of 20. 0: their own has to be."
}
variable "on_leak" {
  type        = string
  default     = "exclude"
  description = "Rows of `test` that a model was made with: exclude them (over 1% stop the run), stop at any, or record them."
}
variable "max_class_share" {
  type        = number
  default     = 0.65
  description = "Share of the larger class in the training rows above which a strategy is rejected."
}
variable "columns" {
  type        = map(string)
  default     = {}
  description = "Columns of your data whose names aren't usual ones: { text = \"user_prompt\", label = \"flag\" }."
}
variable "labels" {
  type        = map(string)
  default     = {}
  description = "What your data's labels mean where they aren't usual words: { ham = \"benign\", spam = \"malicious\" }."
}
variable "max_bad" {
  type        = number
  default     = 0
  description = "Unusable rows (without text, without a label) that may be left out; one more stops the run."
}

# What can't be measured and every sum of money rests on.
variable "prompts_per_day" {
  type    = number
  default = 1000000
}
variable "benign_traffic" {
  type        = number
  default     = 0.99
  description = "Share of the prompts that are benign."
}
variable "ticket_share" {
  type        = number
  default     = 0.001
  description = "Share of the alarms that somebody has to look at."
}
variable "ticket_cost" {
  type        = number
  default     = 20
  description = "US dollars."
}

locals {
  built_in = var.train == ""
  own_pool = var.pool != ""
  own_test = var.test != ""

  # The corpus has its roles already; what is divided here is your own data, or all of it where folds rotate the roles.
  folds    = var.folds == 0 ? null : [for i in range(var.folds) : "${i + 1}"]
  divided  = var.folds > 0 || !local.built_in
  held_out = local.own_test || local.own_pool && !local.divided

  base       = local.divided ? step.parts.train : step.corpus.train
  validation = local.divided ? step.parts.validation : step.corpus.validation
  pool       = local.divided ? step.parts.pool : local.own_pool ? step.own_pool.rows : step.corpus.pool
  of_all     = var.folds > 0 && var.ship
  # What one division's thresholds rest on beside its validation sources. Those of folds rest on the other folds' new sources.
  threshold_folds = local.built_in || var.folds > 0 ? 0 : var.threshold_folds
  threshold_rows  = local.threshold_folds > 0 ? local.pool : null
  shipped         = var.folds == 0 ? element(step.export[*].model, 0) : step.shipped.model
  # Of the first fold, where there are folds.
  any_validation = local.divided ? element(step.parts[*].validation, 0) : step.corpus.validation
  # Own traffic, and new sources.
  test   = local.held_out ? step.held_out.own : local.divided ? step.parts.test : step.corpus.test
  unseen = local.held_out ? step.held_out.new : local.divided ? step.parts.unseen : step.corpus.unseen
}

step "synthesize" "corpus" {
  when  = local.built_in
  seed  = var.seed
  scale = var.scale
}
step "dataset" "own" {
  when    = !local.built_in
  data    = var.train
  columns = var.columns
  labels  = var.labels
  max_bad = var.max_bad
}
step "dataset" "own_pool" {
  when    = local.own_pool
  data    = var.pool
  columns = var.columns
  labels  = var.labels
  max_bad = var.max_bad
  label   = "benign" # of rows that say nothing else
}
step "dataset" "own_test" {
  when    = local.own_test
  data    = var.test
  columns = var.columns
  labels  = var.labels
  max_bad = var.max_bad
}
step "split" "parts" {
  when     = local.divided
  for_each = local.folds
  rows     = local.built_in ? [for port in ["train", "validation", "pool", "test", "unseen"] : step.corpus[port]] : [step.own.rows]
  pool     = local.own_pool ? step.own_pool.rows : null
  folds    = var.folds
  fold     = each.key
  seed     = var.seed
  # What comes from elsewhere isn't split off.
  fractions = local.own_test ? { test = 0, unseen = 0 } : {}
  # Training sources choose thresholds, too: more of them can train.
  validation_sources = local.threshold_folds > 0 ? 5 : 9
}
# Rows from elsewhere, before anything is trained on: without what the models will be made with.
step "held-out" "held_out" {
  when       = local.held_out
  for_each   = local.folds
  rows       = local.own_test ? step.own_test.rows : step.corpus.test
  train      = local.base
  validation = local.validation
  pool       = local.pool
  on_leak    = var.on_leak
}

# The baseline: trained once (once a fold), whatever the number of strategies.
step "train-gpu" "baseline" {
  for_each   = local.folds
  rows       = local.base
  validation = local.validation
  epochs     = 10
  seed       = var.seed

  threshold_rule     = var.threshold_rule
  threshold_for      = var.threshold_for
  threshold_folds    = local.threshold_folds
  threshold_rows     = local.threshold_rows
  new_sources_share  = var.new_sources_share
  fp_rate_confidence = var.fp_rate_confidence
}
step "evaluate" "baseline_test" {
  for_each   = local.folds
  validation = local.validation
  model      = step.baseline.model
  test       = local.test
  unseen     = local.unseen
  on_leak    = var.on_leak
  own_counts = local.own_pool
}
# Each source is a new one in one of the folds: their rows are reported on together.
step "evaluate" "baseline_folds" {
  when       = var.folds > 0
  scores     = step.baseline_test[*].scores
  reports    = step.baseline_test[*].report
  own_counts = local.own_pool
}

# What it gets wrong, and what is made of that.
step "mine" "false_positives" {
  for_each = local.folds
  model    = step.baseline.model
  pool     = local.pool

  recall_at_least = var.mine_at_recall
  validation      = local.validation

  reserve = local.built_in && !local.own_pool ? 0 : var.near_misses
}
step "sample" "sampled" {
  for_each = local.folds
  rows     = step.false_positives.rows
  reserve  = step.false_positives.reserve
  size     = var.false_positives
  quotas   = var.strata
  seed     = var.seed
}
step "augment" "variations" {
  for_each   = local.folds
  rows       = step.sampled.rows
  avoid      = [local.base, local.validation]
  variations = var.variations
  seed       = var.seed
}
step "hard-negatives" "hard_negatives" {
  for_each = local.folds
  rows     = step.sampled.rows
  avoid    = [local.base, local.validation, step.variations.rows]
  size     = var.hard_negatives
  seed     = var.seed
}
step "merge" "dataset" {
  for_each = local.folds
  base     = local.base
  add      = [step.variations.rows, step.hard_negatives.rows]
}
step "balance-assert" "balanced" {
  for_each  = local.folds
  rows      = step.dataset.rows
  critical  = var.max_class_share
  on_breach = "record"
}

# The strategy's own model, measured on rows that nothing was chosen on.
step "train-gpu" "model" {
  for_each   = local.folds
  rows       = step.balanced.rows
  validation = local.validation
  epochs     = var.epochs
  seed       = var.seed

  threshold_rule     = var.threshold_rule
  threshold_for      = var.threshold_for
  threshold_folds    = local.threshold_folds
  threshold_rows     = local.threshold_rows
  new_sources_share  = var.new_sources_share
  fp_rate_confidence = var.fp_rate_confidence
}
step "export-onnx" "export" {
  for_each = local.folds
  model    = step.model.model
  rows     = local.validation
}
step "evaluate" "test" {
  for_each   = local.folds
  validation = local.validation
  model      = step.export.model
  test       = local.test
  unseen     = local.unseen
  pool       = local.pool
  on_leak    = var.on_leak
  own_counts = local.own_pool
}
step "evaluate" "test_folds" {
  when       = var.folds > 0
  scores     = step.test[*].scores
  reports    = step.test[*].report
  own_counts = local.own_pool
}
step "robustness" "edited" {
  when     = var.folds == 0
  for_each = local.folds
  model    = step.export.model
  rows     = [local.test, local.unseen]
}

# Folds are there to measure. What is shipped then is trained on what any fold trained on, which is every source. Its epochs and its
# threshold, too, come from scores by models that haven't seen a row's source.
step "merge" "everything" {
  when = local.of_all
  base = element(step.dataset[*].rows, 0)
  add  = step.dataset[*].rows
}
step "train-gpu" "shipped_model" {
  when       = local.of_all
  rows       = step.everything.rows
  validation = local.any_validation
  cross_fit  = var.folds
  epochs     = var.epochs
  seed       = var.seed

  threshold_rule     = var.threshold_rule
  threshold_for      = var.threshold_for
  new_sources_share  = var.new_sources_share
  fp_rate_confidence = var.fp_rate_confidence
}
step "export-onnx" "shipped" {
  when  = local.of_all
  model = step.shipped_model.model
  rows  = local.any_validation
}
step "benchmark" "speed" {
  when  = var.folds == 0 || var.ship
  model = local.shipped
  rows  = local.any_validation
}
step "package" "package" {
  when  = var.folds == 0 || var.ship
  model = local.shipped
  reports = [
    var.folds == 0 ? element(step.test[*].report, 0) : step.test_folds.report, var.folds == 0 ? element(step.edited[*].report, 0) : null,
    step.speed.report, var.folds == 0 ? element(step.export[*].certificate, 0) : step.shipped.certificate,
  ]
  strategy = "False positives of a baseline, ${var.false_positives} at most, ${var.variations} variations of each, and ${var.hard_negatives} hard negatives were added to its training rows."
}

compare {
  baseline = var.folds == 0 ? step.baseline_test : step.baseline_folds
  result   = var.folds == 0 ? step.test : step.test_folds
  target {
    fp_rate = { at_most = 0.01 }
  }
}
