pipeline "conservative" {
  title   = "Strategy 1: Conservative"
  extends = "reinforce.hcl"
}

set {
  false_positives = 1000
  variations      = 10
  hard_negatives  = 100
  epochs          = 10
}

# What the plan on paper promised. Printed beside what was measured, never as a result.
expect {
  when     = local.built_in
  fp_rate  = 0.0314
  tp_rate  = 0.958
  f1_macro = 0.942
}

plan {
  when            = local.built_in
  coverage        = 0.24
  total_samples   = 77416
  benign_share    = 0.591
  balance         = "acceptable (<60)"
  gpu_hours       = 4
  cost_usd        = 40
  data_days       = 1.5
  validation_days = 0.5
  onnx_days       = 1
  total_days      = 3
  generalization  = "good"
  verdict         = "reject: too little FP reduction"
}
