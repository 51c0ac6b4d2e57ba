# with what base.hcl says
pipeline "p" {
}

# base.hcl:2
variable "key" {
  sensitive = true # the value is from REIN_VAR_key
}

# base.hcl:3
variable "sizes" {
  type    = object({ test = number, train = number })
  default = { test = 1, train = 2 } # base.hcl:5
}

# base.hcl:7
# 2 instances: source["chat"], source["mail"]
step "dataset" "source" {
  for_each = ["mail", "chat"]  # base.hcl:8
  data     = "${each.key}.csv" # base.hcl:9
}

# base.hcl:12, overridden at main.hcl:4
step "augment" "a" {
  rows       = step.source["mail"].rows # base.hcl:13
  variations = var.sizes.train * 2      # 4, base.hcl:14
  # base.hcl:15
  methods = {
    swap = 1
  }
  api_key    = var.key             # (sensitive), base.hcl:18
  avoid      = step.source[*].rows # [step.source["chat"].rows, step.source["mail"].rows], main.hcl:5
  depends_on = [step.source]       # main.hcl:6
  seed       = 1                   # default
  assert {
    condition     = metric.rows > 0         # base.hcl:20
    error_message = "None: ${metric.rows}." # base.hcl:21
  }
}

# step gone is disabled: main.hcl:3

# main.hcl:8
output "rows" {
  value = step.a.rows         # main.hcl:9
  path  = "out/${lower("X")}" # "out/x", main.hcl:10
}

expect {
  fp_rate = { at_most = 0.01 } # main.hcl:12
}

# main.hcl:13
compare {
  result = step.a # main.hcl:13
}
