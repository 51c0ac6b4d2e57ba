pipeline "robust" {
  title   = "Beyond the four: Robust"
  extends = "../reinforce.hcl"
}

# What was tried on sources that no training had seen, and what held: more sources, of benign rows above all (docs/models.md).
variable "traffic" {
  type        = number
  default     = 12000
  description = "Rows of the pool to train on beside its false positives, by chance: all of its sources, not only what was flagged."
}
variable "encoder" {
  type        = path
  default     = ""
  description = "A Hugging Face folder of an encoder to fine-tune. Empty: n-grams, which need no download."
}
variable "cross_fit" {
  type        = number
  default     = 5
  description = "Groups of sources that take turns in being left out of a training; 2 where there are few sources, 0 to hold validation rows out. Of n-grams."
}
set {
  false_positives = 3000
}

step "sample" "traffic" {
  for_each = local.folds
  rows     = local.pool
  size     = var.traffic
  seed     = var.seed
}
step "merge" "dataset" {
  add = [step.sampled.rows, step.traffic.rows]
}
step "augment" "variations" {
  when = false
}
step "hard-negatives" "hard_negatives" {
  when = false
}

# Validation rows train, too: what is chosen on them is chosen from scores by models that haven't seen a row's source.
step "train-gpu" "model" {
  when      = var.encoder == ""
  cross_fit = var.cross_fit
}
step "train-gpu" "encoder" {
  when       = var.encoder != ""
  for_each   = local.folds
  rows       = step.balanced.rows
  validation = local.validation
  epochs     = 1
  seed       = var.seed
  model {
    base = var.encoder
  }
  class_weights = "sqrt"

  threshold_rule     = var.threshold_rule
  threshold_for      = var.threshold_for
  new_sources_share  = var.new_sources_share
  fp_rate_confidence = var.fp_rate_confidence
}
# An encoder is shipped in int8, which takes half the time. What that costs is in its own figures: the int8 graph is what is tested.
step "export-onnx" "export" {
  model            = var.encoder == "" ? step.model.model : step.encoder.model
  weights          = var.encoder == "" ? "fp32" : "int8"
  max_recall_loss  = var.encoder == "" ? 0.01 : 1
  max_fp_rate_rise = var.encoder == "" ? 0.005 : 1
}
step "train-gpu" "shipped_model" {
  when = local.of_all && var.encoder == ""
}
step "train-gpu" "shipped_encoder" {
  when       = local.of_all && var.encoder != ""
  rows       = step.everything.rows
  validation = local.any_validation
  cross_fit  = var.folds
  epochs     = 1
  seed       = var.seed
  model {
    base = var.encoder
  }
  class_weights = "sqrt"

  threshold_rule     = var.threshold_rule
  threshold_for      = var.threshold_for
  new_sources_share  = var.new_sources_share
  fp_rate_confidence = var.fp_rate_confidence
}
step "export-onnx" "shipped" {
  model            = var.encoder == "" ? step.shipped_model.model : step.shipped_encoder.model
  weights          = var.encoder == "" ? "fp32" : "int8"
  max_recall_loss  = var.encoder == "" ? 0.01 : 1
  max_fp_rate_rise = var.encoder == "" ? 0.005 : 1
}
# An encoder that is slower than the limit on this machine is measured all the same.
step "benchmark" "speed" {
  on_breach = var.encoder == "" ? "stop" : "record"
}
# No temperature is fitted on rows that the model was trained on.
step "evaluate" "test" {
  validation = var.encoder == "" && var.cross_fit > 0 ? null : local.validation
}
step "package" "package" {
  strategy = "All of the pool's sources: ${var.false_positives} false positives of a baseline at most, and ${var.traffic} rows by chance, were added to the training rows${var.encoder == "" && var.cross_fit > 0 ? ", and validation rows by cross-fitting" : ""}."
}
