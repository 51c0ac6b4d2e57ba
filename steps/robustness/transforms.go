package robustness

import (
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
)

// transform edits a text. The strength is the share of letters or words that it may change.
//
// None of the transforms is among the methods that write training rows. augment uses base64, Caesar's cipher, leetspeak, Cyrillic
// look-alikes, invisible marks, separated letters, texts in pieces and full-width letters. The built-in corpus uses reversed texts and one
// or two typing errors. So the trials show whether a model learnt meaning or only spelling.
type transform struct {
	name string
	edit func(s string, strength float64, r *rand.Rand) string
}

var transforms = []transform{
	{"neighbouring keys", letters(neighbour)},
	{"vowels dropped", letters(dropVowel)},
	{"letters stretched", letters(stretch)},
	{"circled letters", letters(circled)},
	{"mathematical bold", letters(bold)},
	{"diacritics", letters(accent)},
	{"random case", letters(flipCase)},
	{"emoji between words", words(func(w string, r *rand.Rand) string { return w + " " + emoji[r.IntN(len(emoji))] })},
	{"words in hex", words(func(w string, _ *rand.Rand) string { return hex.EncodeToString([]byte(w)) })},
	{"words reversed", words(func(w string, _ *rand.Rand) string { return reversed(w) })},
	{"underscores", words(func(w string, _ *rand.Rand) string { return "_" + w + "_" })},
	{"harmless padding", pad},
}

var emoji = []string{"🙂", "🚀", "🌿", "🎲", "☕", "📎"}

// harmless are sentences that are put around attacks and benign prompts alike.
var harmless = []string{
	"Thanks for yesterday's notes on the garden.", "The train to the coast leaves at nine.", "My sister bakes bread every Sunday.", "Please keep the tone friendly.",
	"The table has four legs and a drawer.", "We are planning a picnic by the lake.", "The report is due at the end of the month.", "I like short paragraphs.",
}

// letters returns a transform that applies edit to a share of the letters.
func letters(edit func(c rune, r *rand.Rand) []rune) func(string, float64, *rand.Rand) string {
	return func(s string, strength float64, r *rand.Rand) string {
		var out []rune
		for _, c := range s {
			if !unicode.IsLetter(c) || r.Float64() >= strength {
				out = append(out, c)
				continue
			}
			out = append(out, edit(c, r)...)
		}
		return string(out)
	}
}

func words(edit func(w string, r *rand.Rand) string) func(string, float64, *rand.Rand) string {
	return func(s string, strength float64, r *rand.Rand) string {
		list := strings.Split(s, " ")
		for i, w := range list {
			if w != "" && r.Float64() < strength {
				list[i] = edit(w, r)
			}
		}
		return strings.Join(list, " ")
	}
}

// keys maps each letter to a neighbour on the keyboard: the one to its right or, at the edge, to its left.
var keys = map[rune]rune{'q': 'w', 'w': 'e', 'e': 'r', 'r': 't', 't': 'y', 'y': 'u', 'u': 'i', 'i': 'o', 'o': 'p', 'p': 'o', 'a': 's', 's': 'd', 'd': 'f', 'f': 'g',
	'g': 'h', 'h': 'j', 'j': 'k', 'k': 'l', 'l': 'k', 'z': 'x', 'x': 'c', 'c': 'v', 'v': 'b', 'b': 'n', 'n': 'm', 'm': 'n'}

func neighbour(c rune, _ *rand.Rand) []rune {
	if k, ok := keys[c]; ok {
		return []rune{k}
	}
	if k, ok := keys[unicode.ToLower(c)]; ok {
		return []rune{unicode.ToUpper(k)}
	}
	return []rune{c}
}

func dropVowel(c rune, _ *rand.Rand) []rune {
	if strings.ContainsRune("aeiouAEIOU", c) {
		return nil
	}
	return []rune{c}
}

func stretch(c rune, _ *rand.Rand) []rune { return []rune{c, c, c} }

func circled(c rune, _ *rand.Rand) []rune {
	switch {
	case c >= 'a' && c <= 'z':
		return []rune{'ⓐ' + c - 'a'}
	case c >= 'A' && c <= 'Z':
		return []rune{'Ⓐ' + c - 'A'}
	}
	return []rune{c}
}

func bold(c rune, _ *rand.Rand) []rune {
	switch {
	case c >= 'a' && c <= 'z':
		return []rune{'𝐚' + c - 'a'}
	case c >= 'A' && c <= 'Z':
		return []rune{'𝐀' + c - 'A'}
	}
	return []rune{c}
}

func accent(c rune, r *rand.Rand) []rune {
	return []rune{c, []rune{'\u0301', '\u0308', '\u0323', '\u0336'}[r.IntN(4)]}
}

func flipCase(c rune, _ *rand.Rand) []rune {
	if unicode.IsUpper(c) {
		return []rune{unicode.ToLower(c)}
	}
	return []rune{unicode.ToUpper(c)}
}

func reversed(w string) string {
	r := []rune(w)
	slices.Reverse(r)
	return string(r)
}

// pad puts up to eight harmless sentences around a text.
func pad(s string, strength float64, r *rand.Rand) string {
	n := max(1, int(strength*float64(len(harmless))+0.5))
	at := r.IntN(n + 1)
	var out []string
	for i, k := range r.Perm(len(harmless))[:n] {
		if i == at {
			out = append(out, s)
		}
		out = append(out, harmless[k])
	}
	if at == n {
		out = append(out, s)
	}
	return strings.Join(out, " ")
}
