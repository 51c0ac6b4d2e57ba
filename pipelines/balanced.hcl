pipeline "balanced" {
  title   = "Strategy 2: Balanced"
  extends = "reinforce.hcl"
}

set {
  false_positives = 2089
  variations      = 8
  hard_negatives  = 200
  epochs          = 12
}

expect {
  when     = local.built_in
  fp_rate  = 0.0155
  tp_rate  = 0.961
  f1_macro = 0.954
}

plan {
  when            = local.built_in
  coverage        = 0.50
  total_samples   = 84228
  benign_share    = 0.624
  balance         = "concerning (>60)"
  gpu_hours       = 8
  cost_usd        = 80
  data_days       = 2
  validation_days = 1
  onnx_days       = 1
  total_days      = 4.5
  generalization  = "excellent"
  verdict         = "reject: misses target"
}
