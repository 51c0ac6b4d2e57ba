pipeline "a" {
}

locals {
  n    = 1 + 2                      # a.rein.json:2
  text = "n is ${local.n}"          # "n is 3", a.rein.json:2
  list = [1, "x", { "a b" = true }] # a.rein.json:2
}

# a.rein.json:3
step "synthesize" "c" {
  seed  = local.n # 3, a.rein.json:3
  scale = 1       # default
}
