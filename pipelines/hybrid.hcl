pipeline "hybrid" {
  title   = "Strategy 4: Hybrid"
  extends = "reinforce.hcl"
}
set {
  false_positives = 2500
  variations      = 8
  hard_negatives  = 250
  epochs          = 12
  # Your own rows have strata of other names: they are taken as they were found.
  strata = var.train == "" ? { "context manipulation" = 0.43, "semantic jailbreak" = 0.26, "obfuscated command" = 0.19, "other" = 0.12 } : {}
}
step "augment" "attacks" {
  for_each = local.folds
  rows     = local.base
  size     = 3000
  families = { jailbreak = 0.41, toxicity = 0.38, injection = 0.10, pii = 0.06, other = 0.05 }
  seed     = var.seed
}
step "merge" "dataset" {
  add = [step.variations.rows, step.hard_negatives.rows, step.attacks.rows]
}
expect {
  when     = local.built_in
  fp_rate  = { value = 0.0085, tolerance = 0.0015 }
  tp_rate  = 0.965
  f1_macro = 0.959
  roc_auc  = 0.982
}
plan {
  when            = local.built_in
  coverage        = 0.60
  generalization  = "excellent"
  total_samples   = 90566
  benign_share    = 0.617
  balance         = "optimal (<62)"
  gpu_hours       = 10
  cost_usd        = 100
  data_days       = 2.5
  validation_days = 1
  onnx_days       = 1
  total_days      = 5
  verdict         = "approve"
  avoided_alarms  = 12200000 # in a year
  saving_usd      = 244000
}
