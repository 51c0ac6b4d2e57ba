package dataset

import (
	"maps"
	"path"
	"slices"
	"strings"

	"rein/steps/artifact"
	"rein/steps/internal/table"
)

// words maps the usual label values that polarity doesn't know to a label.
var words = map[string]string{
	"legit": artifact.Benign, "ok": artifact.Benign, "good": artifact.Benign, "allowed": artifact.Benign, "allow": artifact.Benign, "negative": artifact.Benign,
	"no": artifact.Benign, "false": artifact.Benign, "f": artifact.Benign, "n": artifact.Benign, "0": artifact.Benign, "0.0": artifact.Benign,

	"bad": artifact.Malicious, "block": artifact.Malicious, "blocked": artifact.Malicious, "positive": artifact.Malicious,
	"yes": artifact.Malicious, "true": artifact.Malicious, "t": artifact.Malicious, "y": artifact.Malicious, "1": artifact.Malicious, "1.0": artifact.Malicious,
}

// families maps label values that name a kind of attack to the category of the row.
var families = map[string]string{
	"jailbreak": "jailbreak", "jailbreaking": "jailbreak", "injection": "injection", "prompt_injection": "injection", "toxic": "toxicity",
	"toxicity": "toxicity", "hate": "toxicity", "hate_speech": "toxicity", "pii": "pii", "privacy": "pii", "obfuscation": "obfuscation",
}

// missing lists what programs write where there is no value.
var missing = set("none null nan na n/a nat <na> undefined")

// isMissing tells whether a value stands for no value.
func isMissing(value string) bool {
	v := strings.ToLower(strings.TrimSpace(value))
	return v == "" || missing[v]
}

// truths lists the values that mean the opposite in an inverted column. Words like "unsafe" keep their meaning there.
var truths = map[string]bool{"0": true, "0.0": true, "1": true, "1.0": true, "true": true, "false": true, "t": true, "f": true, "y": true, "n": true, "yes": true, "no": true}

// word returns a label value in a form that can be compared.
func word(value string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(value)))
}

// meaning returns the label that a value in a column stands for, and the attack category if the value names one. ok is false if the value
// is unknown.
func meaning(column, value string) (label, category string, ok bool) {
	v := word(value)
	if f, ok := families[v]; ok {
		return artifact.Malicious, f, true
	}
	if label, ok = words[v]; !ok {
		s := said(tokens(value))
		return s.label, "", s.label != "" && !slices.ContainsFunc(s.other, func(w string) bool { return !fillers[w] })
	}
	if nameOf(column).inverted && truths[v] {
		return opposite(label), "", true
	}
	return label, "", true
}

// askedFor returns the label that the argument labels gives to a value, or "".
func askedFor(value string, asked map[string]string) string {
	if l, ok := asked[value]; ok {
		return l
	}
	v := word(value)
	for _, k := range slices.Sorted(maps.Keys(asked)) {
		if word(k) == v {
			return asked[k]
		}
	}
	return ""
}

// topics are words in file names that say what the rows are about, not what they are: jailbreak-classification.csv has benign rows, too.
var topics = set("safety classification classifier detection detector defense defence guard guards guardrail guardrails filter filters detect detecting against anti prevention protection resistance robustness benchmark bench vs and or mixed both")

// byName returns the label in the name of a file or, if there is none, of its folder: malicious.jsonl, attacks/2024.csv. It is "" if the
// name says nothing, or both labels. against is an outer folder whose name is a single word for the other label.
func byName(name string) (label, against string) {
	for name = table.Stem(name); name != "." && name != "/" && name != ""; name = path.Dir(name) {
		ws := nameWords(path.Base(name))
		s := said(ws)
		switch {
		case s.word == "":
		case label != "":
			if s.label == opposite(label) && len(ws) == 1 {
				return label, path.Base(name)
			}
		case slices.ContainsFunc(ws, func(w string) bool { return topics[w] }):
			return "", ""
		default:
			if label = s.label; label == "" {
				return "", ""
			}
		}
	}
	return label, ""
}

// nameWords returns the words of a file's name without digits: attacks2024 gives attacks.
func nameWords(base string) []string {
	return tokens(strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return ' '
		}
		return r
	}, base))
}
