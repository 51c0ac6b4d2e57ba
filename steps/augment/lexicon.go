package augment

import (
	_ "embed"
	"strings"
)

//go:embed lexicon.txt
var lexiconText string

// lexicon maps a word to the words that can replace it.
type lexicon map[string][]string

func builtIn() lexicon {
	lex := lexicon{}
	for line := range strings.Lines(lexiconText) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		lex.group(strings.Fields(line))
	}
	return lex
}

func (l lexicon) group(words []string) {
	for i, w := range words {
		for j, other := range words {
			if i != j {
				l[w] = append(l[w], other)
			}
		}
	}
}
