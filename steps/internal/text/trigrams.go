package text

import (
	"cmp"
	_ "embed"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// script is a system of writing, and how a text in it gets the name of its language.
type script struct {
	name     string
	table    *unicode.RangeTable
	language string // if there is one only
}

// scripts are those that are told apart. With the same number of characters in each, the earlier one counts.
var scripts = []script{
	{"Latin", unicode.Latin, ""}, {"Cyrillic", unicode.Cyrillic, ""}, {"Arabic", unicode.Arabic, ""}, {"Devanagari", unicode.Devanagari, "Hindi"},
	{"Hiragana", unicode.Hiragana, "Japanese"}, {"Katakana", unicode.Katakana, "Japanese"}, {"Ethiopic", unicode.Ethiopic, ""}, {"Hebrew", unicode.Hebrew, "Hebrew"},
	{"Bengali", unicode.Bengali, "Bengali"}, {"Georgian", unicode.Georgian, "Georgian"}, {"Han", unicode.Han, "Chinese"}, {"Hangul", unicode.Hangul, "Korean"},
	{"Greek", unicode.Greek, "Greek"}, {"Kannada", unicode.Kannada, "Kannada"}, {"Tamil", unicode.Tamil, "Tamil"}, {"Thai", unicode.Thai, "Thai"},
	{"Gujarati", unicode.Gujarati, "Gujarati"}, {"Gurmukhi", unicode.Gurmukhi, "Punjabi"}, {"Telugu", unicode.Telugu, "Telugu"}, {"Malayalam", unicode.Malayalam, "Malayalam"},
	{"Oriya", unicode.Oriya, "Oriya"}, {"Myanmar", unicode.Myanmar, "Burmese"}, {"Sinhala", unicode.Sinhala, "Sinhalese"}, {"Khmer", unicode.Khmer, "Khmer"},
}

// scriptOf is the script of most of a text's letters; nil if it has none. The search for a letter's script moves what it finds to the
// front by one place, so that the next letter's is found at once.
func scriptOf(text string) *script {
	order := make([]*script, len(scripts))
	for i := range scripts {
		order[i] = &scripts[i]
	}
	counts := map[*script]int{}
	for _, r := range text {
		if isStop(r) {
			continue
		}
		for i, s := range order {
			if !unicode.Is(s.table, r) {
				continue
			}
			if counts[s]++; counts[s] > len(text)/2 {
				return s
			}
			if i > 0 {
				order[i], order[i-1] = order[i-1], s
			}
			break
		}
	}
	var most *script
	for _, s := range order {
		if counts[s] > counts[most] {
			most = s
		}
	}
	return most
}

// isStop tells whether a character is no letter of a word.
func isStop(r rune) bool {
	return unicode.IsSymbol(r) || unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsDigit(r)
}

// trigram are three characters of a text, of which digits, signs and the ends of the text are spaces.
type trigram [3]rune

// mostTrigrams is how many trigrams a language is known by.
const mostTrigrams = 300

// profile is a language's most frequent trigrams, the most frequent first.
type profile struct {
	language string
	trigrams [mostTrigrams]trigram
}

// languagesFile has a line for each language: its name, its script, and the trigrams without anything between them.
//
//go:embed trigrams/languages.txt
var languagesFile string

// profiles are the languages of a script that trigrams tell apart.
var profiles = sync.OnceValue(func() map[string][]profile {
	out := map[string][]profile{}
	for line := range strings.Lines(languagesFile) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		script, all, _ := strings.Cut(rest, "\t")
		p := profile{language: name}
		i := 0
		for _, r := range all {
			p.trigrams[i/3][i%3] = r
			i++
		}
		out[script] = append(out[script], p)
	}
	return out
})

// TrigramLanguage names a language by its trigrams, which is slow. The method and its constants are those of whatlanggo.
func TrigramLanguage(text string) string {
	text = LanguagePart(text)
	s := scriptOf(text)
	if s == nil {
		return "(unsure)"
	}
	if s.language != "" {
		return s.language
	}
	if of := profiles()[s.name]; len(of) > 1 {
		if name, confidence := nearest(of, trigramRanks(text)); confidence >= minConfidence {
			return name
		}
	}
	return "(unsure, " + s.name + ")"
}

// trigramRanks are a text's trigrams with their places in the order of their frequency.
func trigramRanks(text string) map[trigram]int {
	counts := map[trigram]int{}
	t := trigram{' ', ' ', ' '}
	next := func(r rune) {
		if t = (trigram{t[1], t[2], r}); t[1] != ' ' || t[0] != ' ' && r != ' ' {
			counts[t]++
		}
	}
	for i, r := range text {
		if isStop(r) {
			r = ' '
		}
		r = unicode.ToLower(r)
		if i == 0 {
			t[2] = r
			continue
		}
		next(r)
	}
	next(' ')
	order := make([]trigram, 0, len(counts))
	for t := range counts {
		order = append(order, t)
	}
	slices.SortFunc(order, func(a, b trigram) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), slices.Compare(b[:], a[:]))
	})
	ranks := counts
	for i, t := range order {
		ranks[t] = i
	}
	return ranks
}

// nearest is the language whose trigrams are nearest to a text's, and how sure that is: by how far the next one is behind. The difference
// that is enough is smaller for longer texts.
func nearest(of []profile, text map[trigram]int) (language string, confidence float64) {
	const farthest = mostTrigrams * mostTrigrams
	first, second := -1<<31, -1<<31
	for i := range of {
		score := farthest
		for at, t := range of[i].trigrams {
			if rank, ok := text[t]; ok {
				score -= max(rank-at, at-rank)
			} else {
				score -= mostTrigrams
			}
		}
		if score > first {
			language, first, second = of[i].language, score, first
		} else {
			second = max(second, score)
		}
	}
	switch {
	case first == 0:
		return "", 0
	case second == 0:
		return language, min(float64(first/500), 1)
	}
	rate, enough := float64(first-second)/float64(second), 12/float64(len(text))+0.05
	if rate > enough {
		return language, 1
	}
	return language, rate / enough
}
