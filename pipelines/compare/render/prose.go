package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"rein/pipelines/compare"
)

// answer is what stands above the matrix.
func (r result) answer() string {
	if r.Recommendation.Strategy == "" {
		return "Recommended: nobody"
	}
	return "Recommended: ★ " + r.Recommendation.Strategy
}

// prose is what stands under the matrix: why that is recommended, the tests, the contradictions of planned figures, the legend.
func (r result) prose(p painter, o Options, m *Matrix) string {
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
	reasons := r.allWhy()
	if o.Brief {
		reasons, _ = r.why() // the matrix's first row says who is rejected
	}
	section("Why", texts(reasons))
	section("Sweep", r.sweepLines())
	section("Trend", r.trendLines(o.Past))
	section("Variations against volume", r.controlLines())
	if !o.Brief {
		section("Concerns", r.concernLines())
		section("Paired tests (Holm-adjusted)", r.testLines())
		section("What the steps say", r.noteLines())
		section("The plan's own figures", r.contradictionLines())
		section("Money", r.moneyLines())
	}
	section("Blanks", r.blankLines())
	section("Notes", sentences(r.Notes))
	b.WriteString("\n" + p.dim(strings.TrimRight(paragraph("", m.legend()+r.more(o), o.Width), "\n")) + "\n")
	if !o.Brief {
		b.WriteString(p.dim(strings.TrimRight(paragraph("Rule: ", rule, o.Width), "\n")) + "\n")
		b.WriteString(p.dim(strings.TrimRight(paragraph("Stars: ", starRule, o.Width), "\n")) + "\n")
	}
	return b.String()
}

// legend explains what stands in the cells, and nothing else.
func (m *Matrix) legend() string {
	has := func(f func(Cell) bool) bool {
		return slices.ContainsFunc(m.Rows, func(r Row) bool { return slices.ContainsFunc(r.Cells, f) })
	}
	out := "In brackets: 95% intervals."
	if has(func(c Cell) bool { return c.Expected != "" }) {
		out += " exp: what the file expects."
	}
	if has(func(c Cell) bool { return c.Planned != "" }) {
		out += " plan: what the file plans or asks for."
	}
	return out
}

// more says where the rest is.
func (r result) more(o Options) string {
	if !o.Brief {
		return ""
	}
	if o.All || len(o.Rows) > 0 {
		return " --details adds the tests, the concerns and the rule."
	}
	return " --all has every row, --details the tests and the rule too, -o report.html all of it with charts."
}

// starRule says what the stars of a strategy stand for.
const starRule = "one each for the FP target, more attacks found than by the baseline at one FP rate, none shown to be lost, a balance that isn't critical, and an FP rate whose whole interval (over sources, where they are new) is within the target."

// concernLines are the concerns that aren't failed gates: those are in the recommendation already.
func (r result) concernLines() []string {
	var out []string
	for _, s := range r.Strategies {
		if more := besideGates(s); len(more) > 0 && s.Missing == nil && !s.Recommended {
			out = append(out, s.Name+": "+strings.Join(sentences(more), "; "))
		}
	}
	return out
}

// testLines puts each pair's tests into one line.
func (r result) testLines() []string {
	var out []string
	for i, t := range r.Tests {
		if r.firstOf(t.A, t.B) == i {
			out = append(out, fmt.Sprintf("%s against %s: %s", t.B, t.A, r.pairWords(t.A, t.B)))
		}
	}
	return out
}

func (r result) firstOf(a, b string) int {
	for i, t := range r.Tests {
		if t.A == a && t.B == b {
			return i
		}
	}
	return -1
}

// pairWords groups a pair's tests by what they conclude; JSON has their figures.
func (r result) pairWords(a, b string) string {
	groups := map[compare.Conclusion][]string{}
	for _, t := range r.Tests {
		if t.A != a || t.B != b || r.TestOf(a, b, r.Basis()+t.Metric) != nil { // said with its question
			continue
		}
		what := label(t.Metric)
		switch {
		case t.Conclusion == compare.Incomparable:
			return said(t) + ": " + rowsDiffer(t)
		case t.Needs() > 0:
			what += fmt.Sprintf(" (need %s)", count(float64(t.Needs())))
		case t.Conclusion == compare.NotShown:
		case isRate(t.Metric):
			what += fmt.Sprintf(" (%s points, p %s)", signed(t.Difference.Value), pvalue(t.P))
		default:
			what += fmt.Sprintf(" (%+.4f, p %s)", t.Difference.Value, pvalue(t.P))
		}
		groups[t.Conclusion] = append(groups[t.Conclusion], what)
	}
	var parts []string
	for _, c := range []compare.Conclusion{compare.Better, compare.Worse, compare.OtherThreshold, compare.NotShown, compare.TooFewRows, compare.TooFewSeeds, compare.TooFewSources} {
		words := Conclusion(c) + ": "
		if c == compare.Better || c == compare.Worse {
			words = Conclusion(c) + " in "
		}
		if list := groups[c]; len(list) > 0 {
			parts = append(parts, words+strings.Join(list, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

func (r result) noteLines() []string {
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

func (r result) contradictionLines() []string {
	var out []string
	for _, c := range r.Contradictions {
		out = append(out, cmp.Or(c.Strategy, "all of them")+": "+sentence(c.Finding))
	}
	return out
}

func (r result) moneyLines() []string {
	a := r.Assumptions
	var out []string
	for _, s := range r.Contenders() {
		b := s.Business
		if b == nil || r.Baseline.Measured["fp_rate"].Value == 0 {
			continue
		}
		out = append(out, fmt.Sprintf("%s: false alarms a day from %s to %s%s, a year from %s to %s; %s a day%s, which saves %s a day and %s a year%s", s.Name,
			count(math.Round(b.BaselinePerDay.Value)), count(math.Round(b.AlarmsPerDay.Value)), span(b.AlarmsPerDay, count), millions(b.BaselineYearly.Value), millions(b.AlarmsPerYear.Value),
			fewer(math.Round(b.AvoidedPerDay.Value)), span(b.AvoidedPerDay, count), money(b.SavedPerDay.Value), money(b.SavedPerYear.Value), span(b.SavedPerYear, money)))
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

func span(f compare.Figure, format func(float64) string) string {
	if f.Low == nil || f.High == nil {
		return ""
	}
	return fmt.Sprintf(" (%s to %s)", format(math.Round(*f.Low)), format(math.Round(*f.High)))
}

func (r result) blankLines() []string {
	var out []string
	if r.Baseline.Missing != nil && r.Has(compare.BaselineName) {
		out = append(out, "baseline: "+sentence(r.Baseline.Missing))
	}
	for _, s := range r.Strategies {
		if s.Missing != nil {
			out = append(out, s.Name+": "+sentence(s.Missing))
		}
	}
	return out
}

// controlLines say of each strategy what its variations do beyond their number.
func (r result) controlLines() []string {
	var out []string
	for _, s := range r.Contenders() {
		if line := r.controlWords(s); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func (r result) controlWords(s *compare.Strategy) string {
	if r.ControlOf(s) == nil {
		return ""
	}
	var parts []string
	for _, metric := range []string{compare.New + compare.Decisive, compare.Own + compare.Decisive, "fp_rate", "tp_rate"} {
		if t := r.AgainstControl(s, metric); t != nil {
			parts = append(parts, label(metric)+" "+testWords(*t))
		}
	}
	if len(parts) == 0 {
		return fmt.Sprintf("%s: its control has no scored rows to test against", s.Name)
	}
	return fmt.Sprintf("%s against as many plain copies of the same rows: %s", s.Name, strings.Join(parts, "; "))
}

// texts are reasons with their lists.
func texts(reasons []reason) []string {
	out := []string{}
	for _, r := range reasons {
		out = append(out, r.String())
	}
	return out
}

// millions shortens a large count.
func millions(v float64) string {
	if math.Abs(v) < 1e6 {
		return count(math.Round(v))
	}
	return fmt.Sprintf("%.1f million", v/1e6)
}
