# Are 6 to 10 variations best, and is a coverage of 60% best? The plan says so; rein compare pipelines/beyond/sweep.hcl measures it.
# Abstract: comparing the folder doesn't train nine models more.
pipeline "sweep" {
  title    = "How many variations of how many false positives"
  extends  = "../hybrid.hcl"
  abstract = true
}
sweep {
  variations      = [4, 8, 12]
  false_positives = [1000, 2500, 4000] # 24%, 60% and 96% of the plan's 4,179
}
