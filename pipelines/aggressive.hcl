pipeline "aggressive" {
  title   = "Strategy 3: Aggressive"
  extends = "reinforce.hcl"
}

set {
  false_positives = 3134
  variations      = 7
  hard_negatives  = 300
  epochs          = 15
}

expect {
  when     = local.built_in
  fp_rate  = 0.0106
  tp_rate  = 0.962
  f1_macro = 0.957
}

plan {
  when            = local.built_in
  coverage        = 0.75
  total_samples   = 89554
  benign_share    = 0.646
  balance         = "critical (>64)"
  gpu_hours       = 12
  cost_usd        = 120
  data_days       = 2.5
  validation_days = 1
  onnx_days       = 1
  total_days      = 5
  generalization  = "very good"
  verdict         = "reject: imbalance"
}
