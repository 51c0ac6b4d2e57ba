package mine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rein/steps/stats"
)

// Question is one of the two questions that the label of malicious rows can answer: does a prompt attack the model, or does it ask for
// harm? A label that stands for both teaches the model two things at once.
type Question struct {
	Rows       int            `json:"rows"` // number of malicious validation rows
	Found      int            `json:"found_at_model_threshold"`
	Recall     stats.Interval `json:"recall_at_model_threshold"`
	Categories map[string]int `json:"categories"`
}

// The names of the questions.
const (
	attacks = "attacks on the model"
	harms   = "harmful requests"
)

// asks returns the question that a category belongs to, or "" if that isn't clear.
func asks(category string) string {
	c := strings.ToLower(category)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(c, part) })
	}
	switch {
	case has("injection", "jailbreak", "indirect", "obfuscat", "hijack", "leak", "extraction"):
		return attacks
	case has("toxic", "hate", "harm", "pii", "privacy", "violence", "illegal", "other"):
		return harms
	}
	return ""
}

// count counts a malicious validation row.
func (m *miner) count(category string, threat float64) {
	name := asks(category)
	if name == "" {
		return
	}
	q := m.Questions[name]
	if q == nil {
		q = &Question{Categories: map[string]int{}}
		m.Questions[name] = q
	}
	q.Rows++
	q.Categories[category]++
	if threat >= m.Own {
		q.Found++
	}
}

// fewAsking is the number of rows below which a question doesn't count as asked.
const fewAsking = 30

// mixed returns a note if the label stands for two questions and the model answers them differently well. Otherwise it returns "".
func (m *miner) mixed() string {
	for _, q := range m.Questions {
		q.Recall = stats.Wilson(q.Found, q.Rows)
	}
	a, h := m.Questions[attacks], m.Questions[harms]
	if a == nil || h == nil || min(a.Rows, h.Rows) < max(fewAsking, (a.Rows+h.Rows)/10) || a.Recall.Low <= h.Recall.High && h.Recall.Low <= a.Recall.High {
		return ""
	}
	said := func(name string, q *Question) string {
		return fmt.Sprintf("%d are %s (%s), of which it finds %.1f%%", q.Rows, name, strings.Join(slices.Sorted(maps.Keys(q.Categories)), ", "), 100*q.Recall.Value)
	}
	return fmt.Sprintf("the label mixes two questions: of the malicious validation rows %s at its own threshold, and %s. "+
		"If you need one of them, leave the others out (in the dataset step, a filter block with column = \"category\" and not_in = [...]) and compare", said(attacks, a), said(harms, h))
}
