package robustness

import (
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
)

// transform edits a text at a strength: the share of letters or words that it may touch. None of these is among the
// methods that write training rows; what a model does with them shows what it learnt of meaning rather than of spelling.
type transform struct {
	name string
	edit func(s string, strength float64, r *rand.Rand) string
}

var transforms = []transform{
	{"typo", letters(swapNext)},
	{"vowels dropped", letters(dropVowel)},
	{"letters doubled", letters(double)},
	{"full-width", letters(shift('！' - '!'))},
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

// harmless are sentences around which an attack hides; benign prompts get them too.
var harmless = []string{
	"Thanks for yesterday's notes on the garden.", "The train to the coast leaves at nine.", "My sister bakes bread every Sunday.", "Please keep the tone friendly.",
	"The table has four legs and a drawer.", "We are planning a picnic by the lake.", "The report is due at the end of the month.", "I like short paragraphs.",
}

// letters applies an edit to a share of the letters.
func letters(edit func(c rune, next *rune, r *rand.Rand) []rune) func(string, float64, *rand.Rand) string {
	return func(s string, strength float64, r *rand.Rand) string {
		in := []rune(s)
		out := make([]rune, 0, len(in)+8)
		for i := range in {
			if !unicode.IsLetter(in[i]) || r.Float64() >= strength {
				out = append(out, in[i])
				continue
			}
			var next *rune
			if i+1 < len(in) && unicode.IsLetter(in[i+1]) {
				next = &in[i+1]
			}
			out = append(out, edit(in[i], next, r)...)
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

func swapNext(c rune, next *rune, _ *rand.Rand) []rune {
	if next == nil {
		return []rune{c}
	}
	c, *next = *next, c
	return []rune{c}
}

func dropVowel(c rune, _ *rune, _ *rand.Rand) []rune {
	if strings.ContainsRune("aeiouAEIOU", c) {
		return nil
	}
	return []rune{c}
}

func double(c rune, _ *rune, _ *rand.Rand) []rune { return []rune{c, c} }

func shift(by rune) func(rune, *rune, *rand.Rand) []rune {
	return func(c rune, _ *rune, _ *rand.Rand) []rune {
		if c > unicode.MaxASCII {
			return []rune{c}
		}
		return []rune{c + by}
	}
}

func bold(c rune, _ *rune, _ *rand.Rand) []rune {
	switch {
	case c >= 'a' && c <= 'z':
		return []rune{'𝐚' + c - 'a'}
	case c >= 'A' && c <= 'Z':
		return []rune{'𝐀' + c - 'A'}
	}
	return []rune{c}
}

func accent(c rune, _ *rune, r *rand.Rand) []rune {
	return []rune{c, []rune{'\u0301', '\u0308', '\u0323', '\u0336'}[r.IntN(4)]}
}

func flipCase(c rune, _ *rune, _ *rand.Rand) []rune {
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

// pad puts a text between harmless sentences, up to eight of them.
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
