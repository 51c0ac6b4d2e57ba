package dataset

import (
	"strings"
	"unicode"

	"rein/steps/artifact"
)

// Label values, names of label columns, and names of files and folders are all read by the same rules: "non_toxic" is benign in each of
// them.

// tokens returns the words of a name or a value in lower case. "isMalicious", "Is Malicious" and "is-malicious" all give is, malicious.
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
	// negators reverse the meaning of the next word that says a label ("non"), or, if the value is true, of all that follow ("no injection
	// attack").
	negators = map[string]bool{"non": false, "un": false, "not": true, "no": true, "without": true, "never": true, "lacks": true, "lacking": true, "isnt": true, "isn": true, "arent": true, "aren": true}
	// absent words reverse the meaning of the word before them: toxicity-free, injection_absent.
	absent = set("free absent")
)

// polarity returns the label that one word says. It knows negating prefixes: "nontoxic", "unharmful".
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

// saying is the meaning of several words together.
type saying struct {
	label string   // "" if the words say no label, or both
	word  string   // first word that says a label
	other []string // words that are neither a label nor a negation
}

// said returns the meaning of words, including negations.
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
		case w == "from" && (at(i-1) == "free" || polarity(at(i-1)) == artifact.Benign): // as in "safe from injection"
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
