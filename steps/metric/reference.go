package metric

import (
	"fmt"
	"strings"
)

// Reference returns the text of docs/metrics.md. printed returns where rein prints a metric.
func Reference(printed func(name string) string) string {
	var b strings.Builder
	b.WriteString(`# Metrics

Every figure that the steps report, under the name that it has in ` + "`compare --format json`, in `expect`, `target` and `assert`" + `, and after
` + "`--sort`, `--rows` and `--metrics`" + `. All of these also take the other names in the table, and a metric's label: ` + "`recall`" + ` is ` + "`tp_rate`" + `.
JSON always has the canonical name. The matrix and the report print the label.

Positive means flagged as malicious: TP, FP, TN and FN are counts of true and false positives and negatives. A rate is a fraction from 0
to 1 in JSON and in files, and a percentage on the screen. A score has no unit. Rates and areas have a 95% interval: Wilson's for a share of
rows, a bootstrap for the rest.

The last column says which command prints the figure, and in which row. Every figure that was measured is also in ` + "`rein show --json`" + `, and
` + "`rein log --metrics NAME`" + ` prints it for past runs.

| name | label, other names | unit | better | meaning | printed by |
| --- | --- | --- | --- | --- | --- |
`)
	for _, m := range All {
		names := m.Label
		for _, a := range m.Aliases {
			names += ", `" + a + "`"
		}
		meaning := m.Meaning
		if m.Formula != "" {
			meaning += ": " + strings.ReplaceAll(m.Formula, "|", "\\|")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", m.Name, names, m.Unit, m.Better, meaning, printed(m.Name))
	}
	b.WriteString("\n## On which rows\n\nA word before the name says on which rows the figure is measured. Without one, they are those that the verdict rests on.\n\n| prefix | measured |\n| --- | --- |\n")
	for _, v := range prefixes {
		fmt.Fprintf(&b, "| `%s` | %s |\n", v.affix, v.meaning)
	}
	b.WriteString("\n## What of it\n\nA word after the name says what is told of the figure.\n\n| suffix | it is |\n| --- | --- |\n")
	for _, v := range suffixes {
		fmt.Fprintf(&b, "| `%s` | %s |\n", v.affix, v.meaning)
	}
	b.WriteString("\n`recall_at_fp_N` is recall at N% FP rate, for every N that a report has; `0_5` is 0.5.\n\nA step of your own, such as an `exec` step, reports what it likes under other names.\n")
	return b.String()
}
