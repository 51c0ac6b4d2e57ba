package compare

import (
	"fmt"
	"strings"
)

// prose is what stands under the matrix: the recommendation and why, the tests, the plan's contradictions, the legend.
func (r *Result) prose(p painter, o Options) string {
	var b strings.Builder
	section := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		b.WriteString("\n" + p.bold(title) + "\n")
		for _, l := range lines {
			b.WriteString(paragraph("  · ", l, o.Width))
		}
	}
	b.WriteString("\n")
	head := "Recommended: nobody"
	if r.Recommendation.Strategy != "" {
		head = "Recommended: ★ " + r.Recommendation.Strategy
	}
	b.WriteString(p.bold(head) + "\n")
	for _, l := range r.Recommendation.Why {
		b.WriteString(paragraph("  · ", l, o.Width))
	}
	if !o.Brief {
		section("Concerns", r.concernLines())
		section("Paired tests on the same rows (Holm-adjusted)", r.testLines())
		section("What its steps say", r.noteLines())
		section("The plan's own figures", r.planLines())
		section("Money", r.moneyLines())
	}
	section("Blanks", r.blankLines())
	section("Notes", r.Notes)
	b.WriteString("\n" + p.dim(strings.TrimRight(paragraph("", legend, o.Width), "\n")) + "\n")
	b.WriteString(p.dim(strings.TrimRight(paragraph("Rule: ", rule, o.Width), "\n")) + "\n")
	return b.String()
}

const legend = "Measured figures stand alone, with 95% intervals; \"exp\" is what the paper promised, \"plan\" what it planned or the file asks for; – is not measured."

func (r *Result) concernLines() []string {
	var out []string
	for _, s := range r.Strategies {
		if len(s.Concerns) > 0 && s.Missing == "" {
			out = append(out, s.Name+": "+strings.Join(s.Concerns, "; "))
		}
	}
	return out
}

// testLines puts each pair's tests into one line; tests that show nothing are named briefly.
func (r *Result) testLines() []string {
	var out []string
	for i := 0; i < len(r.Tests); i++ {
		a, b := r.Tests[i].A, r.Tests[i].B
		if r.firstOf(a, b) != i {
			continue
		}
		var parts []string
		for _, t := range r.Tests {
			if t.A == a && t.B == b {
				parts = append(parts, t.words())
			}
		}
		out = append(out, fmt.Sprintf("%s against %s: %s", b, a, strings.Join(parts, "; ")))
	}
	return out
}

func (r *Result) firstOf(a, b string) int {
	for i, t := range r.Tests {
		if t.A == a && t.B == b {
			return i
		}
	}
	return -1
}

func (t Test) words() string {
	if t.Conclusion == Incomparable {
		return label(t.Metric) + " incomparable, " + t.Reason
	}
	d := points(Figure{Value: t.Difference.Value})
	if !isRate(t.Metric) {
		d = fmt.Sprintf("%+.4f", t.Difference.Value)
	}
	return fmt.Sprintf("%s %s (%s, p %s)", label(t.Metric), t.Conclusion, d, pvalue(t.P))
}

func (r *Result) noteLines() []string {
	var out []string
	for _, s := range r.Strategies {
		for _, n := range s.Notes {
			out = append(out, s.Name+": "+n)
		}
	}
	return out
}

func (r *Result) planLines() []string {
	var out []string
	for _, f := range r.Plan {
		out = append(out, f.Strategy+": "+f.Text)
	}
	return out
}

func (r *Result) moneyLines() []string {
	a := r.Assumptions
	var out []string
	for _, s := range r.Strategies {
		b := s.Business
		if b == nil || r.Baseline.Measured["fp_rate"].Value == 0 {
			continue
		}
		out = append(out, fmt.Sprintf("%s: %s false alarms a day, %s a day fewer than the baseline%s: %s a year%s", s.Name, count(b.AlarmsPerDay.rounded()),
			count(b.AvoidedPerDay.rounded()), span(b.AvoidedPerDay, count), money(b.SavedPerYear.Value), span(b.SavedPerYear, money)))
	}
	if len(out) > 0 {
		out = append(out, fmt.Sprintf("assumed, not measured: %s prompts a day, %s of them benign, %s of alarms become tickets at %s",
			count(a.PromptsPerDay), percent(a.BenignShare), percent(a.TicketShare), money(a.TicketCost)))
	}
	return out
}

func span(f Figure, format func(float64) string) string {
	if f.Low == nil || f.High == nil {
		return ""
	}
	return fmt.Sprintf(" (%s to %s)", format(round(*f.Low)), format(round(*f.High)))
}

func (r *Result) blankLines() []string {
	var out []string
	if r.Baseline.Missing != "" && r.detail[BaselineName] != nil {
		out = append(out, "baseline: "+r.Baseline.Missing)
	}
	for _, s := range r.Strategies {
		if s.Missing != "" {
			out = append(out, s.Name+": "+s.Missing)
		}
	}
	return out
}
