package dataset

import (
	"strings"
	"unicode"

	"rein/steps/artifact"
)

// One reading of words serves label values, the names of label columns, and the names of files and folders: "non_toxic" is
// benign in each of them.

// tokens are the words of a name or a value in lower case: "isMalicious", "Is Malicious" and "is-malicious" are is, malicious.
func tokens(s string) []string {
	var out []string
	from, prev := -1, ' '
	for i, r := range s {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			if from >= 0 {
				out = append(out, strings.ToLower(s[from:i]))
			}
			from = -1
		case from < 0:
			from = i
		case unicode.IsUpper(r) && unicode.IsLower(prev):
			out = append(out, strings.ToLower(s[from:i]))
			from = i
		}
		prev = r
	}
	if from >= 0 {
		out = append(out, strings.ToLower(s[from:]))
	}
	return out
}

func set(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

var (
	harmless = set("benign safe safety harmless normal regular legitimate clean")
	harmful  = set(`malicious unsafe harm harms harmful harmfulness attack attacks adversarial jailbreak jailbreaks jailbreaking injection
		injections toxic toxicity hate hateful hostile dangerous abusive offensive flagged`)
	// negators turn the next word of the two lists round ("non"), or all that follow ("no injection attack").
	negators = map[string]bool{"non": false, "un": false, "not": true, "no": true, "without": true, "never": true, "lacks": true, "lacking": true, "isnt": true, "isn": true, "arent": true, "aren": true}
	// absent words turn the one before them round: toxicity-free, injection_absent.
	absent = set("free absent")
)

// polarity is what one word says, a negating prefix included: "nontoxic", "unharmful".
func polarity(word string) string {
	switch {
	case harmless[word]:
		return artifact.Benign
	case harmful[word]:
		return artifact.Malicious
	}
	for _, prefix := range []string{"non", "un"} {
		if rest, ok := strings.CutPrefix(word, prefix); ok && harmful[rest] {
			return artifact.Benign
		} else if ok && harmless[rest] {
			return artifact.Malicious
		}
	}
	return ""
}

func opposite(label string) string {
	if label == artifact.Benign {
		return artifact.Malicious
	}
	return artifact.Benign
}

// saying is what words say together.
type saying struct {
	label string   // empty: nothing, or both
	word  string   // the first word that says a label
	other []string // words that are neither a label nor a negation
}

// said reads words, negations included.
func said(words []string) saying {
	var s saying
	var benign, malicious, next, rest bool
	at := func(i int) string {
		if i < 0 || i >= len(words) {
			return ""
		}
		return words[i]
	}
	for i, w := range words {
		label := polarity(w)
		switch all, negates := negators[w]; {
		case negates:
			next, rest = true, rest || all
			continue
		case w == "t" && (at(i-1) == "isn" || at(i-1) == "aren"), absent[w] && polarity(at(i-1)) != "":
			continue
		case w == "free" && (at(i+1) == "of" || at(i+1) == "from"):
			rest = true
			continue
		case w == "of" && at(i-1) == "free":
			continue
		case w == "from" && (at(i-1) == "free" || polarity(at(i-1)) == artifact.Benign): // safe from injection
			rest = true
			continue
		case label == "":
			s.other, next = append(s.other, w), false
			continue
		}
		if negated := next || rest; negated != absent[at(i+1)] {
			label = opposite(label)
		}
		next = false
		if s.word == "" {
			s.word = w
		}
		benign, malicious = benign || label == artifact.Benign, malicious || label == artifact.Malicious
	}
	switch {
	case benign && !malicious:
		s.label = artifact.Benign
	case malicious && !benign:
		s.label = artifact.Malicious
	}
	return s
}
