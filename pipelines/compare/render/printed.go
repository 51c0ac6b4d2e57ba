package render

import (
	"fmt"
	"slices"
	"strings"

	"rein/pipelines/compare"
)

// behind are the metrics that rows are made of whose keys are no metrics.
var behind = map[string][]string{
	"worst_slice": {"worst_slice_fp_rate"},
	"promise":     {"promise_limit", "promise_probability", "promise_sources", "promise_wanted"},
	"kept":        {"new_sources", "new_sources_within", "new_sources_worst"},
	"kept_pooled": {"new_sources_within_pooled", "new_sources_worst_pooled"},
	"variations":  {"variations_made"},
	"total_new":   {"benign_added"},
	"balance":     {"balance_severity"},
	"overfitting": {"loss_gap"},
}

// Printed says where a person finds a metric: the command, and the row of its comparison. Every figure that was measured is in
// rein show --json, and rein log --metrics prints it by its name.
func Printed(metric string) string {
	for _, l := range lines {
		key := strings.TrimPrefix(strings.TrimPrefix(l.key, compare.Own), compare.New)
		if l.key != metric && key != metric && !slices.Contains(behind[key], metric) {
			continue
		}
		command := "compare --all"
		if slices.Contains(briefRows, l.key) {
			command = "compare"
		}
		return fmt.Sprintf("`%s`: %s", command, strings.TrimSpace(l.name))
	}
	return "`log --metrics`"
}
