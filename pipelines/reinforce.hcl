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
variable "fp_rate_confidence" {
  type        = number
  default     = 0
  description = "How sure validation rows have to make it that the FP rate is at most 1%: 0.95 costs recall and keeps it 19 times of 20. 0: their own has to be."
}
variable "on_leak" {
  type        = string
  default     = "stop"
  description = "Rows of `test` that a model was made with: stop the run, exclude them from the figures, or record them."
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

  base       = local.built_in ? step.corpus.train : step.parts.train
  validation = local.built_in ? step.corpus.validation : step.parts.validation
  pool       = local.own_pool ? step.own_pool.rows : (local.built_in ? step.corpus.pool : step.parts.pool)
  test       = local.own_test ? step.own_test.rows : (local.built_in ? step.corpus.test : step.parts.test)
  unseen     = local.built_in ? step.corpus.unseen : step.parts.unseen
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
  when = !local.built_in
  rows = step.own.rows
  seed = var.seed
  # What comes from elsewhere isn't split off.
  fractions = { pool = local.own_pool ? 0 : 0.2, test = local.own_test ? 0 : 0.2 }
}

# The baseline: trained once, whatever the number of strategies.
step "train-gpu" "baseline" {
  rows       = local.base
  validation = local.validation
  epochs     = 10
  seed       = var.seed

  threshold_rule     = var.threshold_rule
  fp_rate_confidence = var.fp_rate_confidence
}
step "evaluate" "baseline_test" {
  validation = local.validation
  model      = step.baseline.model
  test       = local.test
  unseen     = local.unseen
  on_leak    = var.on_leak
}

# What it gets wrong, and what is made of that.
step "mine" "false_positives" {
  model = step.baseline.model
  pool  = local.pool

  reserve = local.built_in && !local.own_pool ? 0 : var.near_misses
}
step "sample" "sampled" {
  rows    = step.false_positives.rows
  reserve = step.false_positives.reserve
  size    = var.false_positives
  quotas  = var.strata
  seed    = var.seed
}
step "augment" "variations" {
  rows       = step.sampled.rows
  avoid      = [local.base, local.validation]
  variations = var.variations
  seed       = var.seed
}
step "hard-negatives" "hard_negatives" {
  rows  = step.sampled.rows
  avoid = [local.base, local.validation, step.variations.rows]
  size  = var.hard_negatives
  seed  = var.seed
}
step "merge" "dataset" {
  base = local.base
  add  = [step.variations.rows, step.hard_negatives.rows]
}
step "balance-assert" "balanced" {
  rows      = step.dataset.rows
  critical  = var.max_class_share
  on_breach = "record"
}

# The strategy's own model, measured on rows that nothing was chosen on.
step "train-gpu" "model" {
  rows       = step.balanced.rows
  validation = local.validation
  epochs     = var.epochs
  seed       = var.seed

  threshold_rule     = var.threshold_rule
  fp_rate_confidence = var.fp_rate_confidence
}
step "export-onnx" "export" {
  model = step.model.model
  rows  = local.validation
}
step "evaluate" "test" {
  validation = local.validation
  model      = step.export.model
  test       = local.test
  unseen     = local.unseen
  pool       = local.pool
  on_leak    = var.on_leak
}
step "robustness" "edited" {
  model = step.export.model
  rows  = local.test
}
step "benchmark" "speed" {
  model = step.export.model
  rows  = local.validation
}
step "package" "package" {
  model    = step.export.model
  reports  = [step.test.report, step.edited.report, step.speed.report, step.export.certificate]
  strategy = "False positives of a baseline, ${var.false_positives} at most, ${var.variations} variations of each, and ${var.hard_negatives} hard negatives were added to its training rows."
}

compare {
  baseline = step.baseline_test
  result   = step.test
  target {
    fp_rate = { at_most = 0.01 }
    tp_rate = { at_least = 0.95 }
  }
}
