package compare

import (
	"cmp"
	"fmt"
	"slices"
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
	section("Variations against volume", r.controlLines())
	if !o.Brief {
		section("Concerns", r.concernLines())
		section("Paired tests (Holm-adjusted)", r.testLines())
		section("What the steps say", r.noteLines())
		section("The plan's own figures", r.planLines())
		section("Money", r.moneyLines())
	}
	section("Blanks", r.blankLines())
	section("Notes", r.Notes)
	b.WriteString("\n" + p.dim(strings.TrimRight(paragraph("", legend, o.Width), "\n")) + "\n")
	b.WriteString(p.dim(strings.TrimRight(paragraph("Rule: ", rule, o.Width), "\n")) + "\n")
	b.WriteString(p.dim(strings.TrimRight(paragraph("Stars: ", starRule, o.Width), "\n")) + "\n")
	return b.String()
}

const legend = "Measured figures stand alone, with 95% intervals; \"exp\" is what the paper promised, \"plan\" what it planned or the file asks for; – is not measured."

// concernLines are the concerns that aren't failed gates: those are in the recommendation already.
const starRule = "one each for the FP target, the recall floor, a balance that isn't critical, an FP rate whose whole interval is within the target, and no loss that is shown against the baseline or on unseen sources."

func (r *Result) concernLines() []string {
	var out []string
	for _, s := range r.Strategies {
		if more := s.Concerns[min(len(s.failures()), len(s.Concerns)):]; len(more) > 0 && s.Missing == "" && !s.Recommended {
			out = append(out, s.Name+": "+strings.Join(more, "; "))
		}
	}
	return out
}

// testLines puts each pair's tests into one line.
func (r *Result) testLines() []string {
	var out []string
	for i, t := range r.Tests {
		if r.firstOf(t.A, t.B) == i {
			out = append(out, fmt.Sprintf("%s against %s: %s", t.B, t.A, r.pairWords(t.A, t.B)))
		}
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

// pairWords groups a pair's tests by what they conclude; JSON has their figures.
func (r *Result) pairWords(a, b string) string {
	groups := map[string][]string{}
	for _, t := range r.Tests {
		if t.A != a || t.B != b {
			continue
		}
		key, what := t.Conclusion, label(t.Metric)
		switch {
		case t.Conclusion == Incomparable:
			return Incomparable + ": " + t.Reason
		case strings.HasPrefix(t.Conclusion, TooFewRows):
			key, what = TooFewRows, what+strings.TrimPrefix(t.Conclusion, TooFewRows)
		case strings.HasPrefix(t.Conclusion, TooFewSeeds):
			key, what = TooFewSeeds, what+strings.TrimPrefix(t.Conclusion, TooFewSeeds)
		case t.Conclusion != NotShown && isRate(t.Metric):
			what += fmt.Sprintf(" (%+.2f points, p %s)", 100*t.Difference.Value, pvalue(t.P))
		case t.Conclusion != NotShown:
			what += fmt.Sprintf(" (%+.4f, p %s)", t.Difference.Value, pvalue(t.P))
		}
		groups[key] = append(groups[key], what)
	}
	var parts []string
	for _, g := range []struct{ key, words string }{{Better, "better in "}, {Worse, "worse in "}, {NotShown, "not shown: "}, {TooFewRows, "too few rows: "}, {TooFewSeeds, "too few seeds: "}} {
		if list := groups[g.key]; len(list) > 0 {
			parts = append(parts, g.words+strings.Join(list, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

func (r *Result) noteLines() []string {
	var notes []string
	by := map[string][]string{} // a step that strategies share says the same for each
	for _, s := range r.Strategies {
		for _, n := range s.Notes {
			if n = brief(n); len(by[n]) == 0 {
				notes = append(notes, n)
			}
			if !slices.Contains(by[n], s.Name) {
				by[n] = append(by[n], s.Name)
			}
		}
	}
	for i, n := range notes {
		who := strings.Join(by[n], ", ")
		if len(by[n]) == len(r.Strategies) && len(by[n]) > 1 {
			who = "all"
		}
		notes[i] = who + ": " + n
	}
	return notes
}

// brief cuts a long note at a word; JSON has all of it.
func brief(s string) string {
	const most = 150
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= most {
		return s
	}
	cut := strings.LastIndexByte(s[:most], ' ')
	return s[:max(cut, 1)] + " ..."
}

func (r *Result) planLines() []string {
	var out []string
	for _, f := range r.Plan {
		out = append(out, cmp.Or(f.Strategy, "all of them")+": "+f.Text)
	}
	return out
}

func (r *Result) moneyLines() []string {
	a := r.Assumptions
	var out []string
	for _, s := range r.strategies() {
		b := s.Business
		if b == nil || r.Baseline.Measured["fp_rate"].Value == 0 {
			continue
		}
		out = append(out, fmt.Sprintf("%s: false alarms a day from %s to %s%s, a year from %s to %s; %s a day%s, which saves %s a day and %s a year%s", s.Name,
			count(b.BaselinePerDay.rounded()), count(b.AlarmsPerDay.rounded()), span(b.AlarmsPerDay, count), millions(b.BaselineYearly.Value), millions(b.AlarmsPerYear.Value),
			fewer(b.AvoidedPerDay.rounded()), span(b.AvoidedPerDay, count), money(b.SavedPerDay.Value), money(b.SavedPerYear.Value), span(b.SavedPerYear, money)))
	}
	if len(out) > 0 {
		out = append(out, fmt.Sprintf("assumed, not measured: %s prompts a day, %s of them benign, %s of alarms become tickets at %s",
			count(a.PromptsPerDay), percent(a.BenignShare), percent(a.TicketShare), money(a.TicketCost)))
	}
	return out
}

// fewer is a change of alarms in words.
func fewer(n float64) string {
	if n < 0 {
		return count(-n) + " more"
	}
	return count(n) + " fewer"
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
