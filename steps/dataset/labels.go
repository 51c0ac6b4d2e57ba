package dataset

import (
	"path"
	"strings"

	"rein/steps/artifact"
)

// words is what the usual label values mean.
var words = map[string]string{
	"benign": artifact.Benign, "safe": artifact.Benign, "harmless": artifact.Benign, "normal": artifact.Benign, "legitimate": artifact.Benign,
	"legit": artifact.Benign, "clean": artifact.Benign, "ok": artifact.Benign, "good": artifact.Benign, "allowed": artifact.Benign,
	"allow": artifact.Benign, "non_toxic": artifact.Benign, "nontoxic": artifact.Benign, "not_toxic": artifact.Benign, "non_malicious": artifact.Benign,
	"not_malicious": artifact.Benign, "negative": artifact.Benign, "no": artifact.Benign, "false": artifact.Benign, "f": artifact.Benign,
	"n": artifact.Benign, "0": artifact.Benign, "0.0": artifact.Benign, "none": artifact.Benign,

	"malicious": artifact.Malicious, "unsafe": artifact.Malicious, "harmful": artifact.Malicious, "attack": artifact.Malicious, "adversarial": artifact.Malicious,
	"bad": artifact.Malicious, "block": artifact.Malicious, "blocked": artifact.Malicious, "hostile": artifact.Malicious, "positive": artifact.Malicious,
	"yes": artifact.Malicious, "true": artifact.Malicious, "t": artifact.Malicious, "y": artifact.Malicious, "1": artifact.Malicious, "1.0": artifact.Malicious,
}

// families are label values that name the kind of an attack, and the category they stand for.
var families = map[string]string{
	"jailbreak": "jailbreak", "jailbreaking": "jailbreak", "injection": "injection", "prompt_injection": "injection", "toxic": "toxicity",
	"toxicity": "toxicity", "hate": "toxicity", "hate_speech": "toxicity", "pii": "pii", "privacy": "pii", "obfuscation": "obfuscation",
}

// inverted are label columns in which true means benign.
var inverted = map[string]bool{"is_safe": true, "safe": true, "is_benign": true, "benign": true}

// truths are the label values that an inverted column turns round; words like "unsafe" mean what they say.
var truths = map[string]bool{"0": true, "0.0": true, "1": true, "1.0": true, "true": true, "false": true, "t": true, "f": true, "y": true, "n": true, "yes": true, "no": true}

// word is a label value as it is compared.
func word(value string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(value)))
}

// meaning is the label of a value in a column, and the category that the value itself names, if it does.
// ok is false for a value that nobody knows.
func meaning(column, value string, asked map[string]string) (label, category string, ok bool) {
	if l, ok := asked[value]; ok {
		return l, "", true
	}
	v := word(value)
	for k, l := range asked {
		if word(k) == v {
			return l, "", true
		}
	}
	if f, ok := families[v]; ok {
		return artifact.Malicious, f, true
	}
	if label, ok = words[v]; !ok {
		return "", "", false
	}
	if inverted[plain(column)] && truths[v] {
		if label == artifact.Benign {
			return artifact.Malicious, "", true
		}
		return artifact.Benign, "", true
	}
	return label, "", true
}

// byName is the label that a file's name, or else the folder it lies in, says: malicious.jsonl, attacks/2024.csv.
// Empty: the name says nothing, or both.
func byName(name string) string {
	for ; name != "." && name != "/" && name != ""; name = path.Dir(name) {
		var benign, malicious bool
		base := plain(path.Base(name))
		for _, w := range strings.FieldsFunc(base, func(r rune) bool { return r < 'a' || r > 'z' }) {
			switch strings.TrimSuffix(w, "s") {
			case "benign", "safe", "harmles", "normal", "legitimate", "clean": // "harmless" without its last s
				benign = true
			case "malicious", "maliciou", "unsafe", "harmful", "attack", "jailbreak", "injection", "toxic", "adversarial":
				malicious = true
			}
		}
		switch {
		case benign && !malicious:
			return artifact.Benign
		case malicious && !benign:
			return artifact.Malicious
		case benign:
			return ""
		}
	}
	return ""
}
