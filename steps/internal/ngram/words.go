package ngram

import "unicode/utf8"

// endWord emits the features of the word that was read, if there is one.
func (x *Extractor) endWord() {
	if len(x.word) == 1 {
		return
	}
	word := x.word[1:]
	if len(word) == 1 && classify(word[0]) == lower {
		x.single = append(x.single, word[0])
	} else {
		x.endSingles()
	}
	h := x.pair(word)
	if ids, ok := x.known.find(h, word); ok {
		x.out = append(x.out, ids...)
	} else {
		n := len(x.out)
		x.emit(h)
		x.word = x.grams(x.word)
		if len(word) > maxStarts {
			x.signal("long")
		}
		x.fold(word)
		x.known.keep(h, word, x.out[n:])
	}
	x.word = x.word[:1]
}

// endSingles emits the features of the word that three or more single letters in a row spell: "i g n o r e".
func (x *Extractor) endSingles() {
	if len(x.single) > 3 {
		x.signal("spaced")
		x.wordOnly(x.single[1:])
		x.single = x.grams(x.single)
	}
	x.single = x.single[:1]
}

func (x *Extractor) wordOnly(word []rune) {
	h := hashByte(fnvOffset, 'w')
	for _, r := range word {
		h = hashRune(h, r)
	}
	x.emit(h)
}

// pair emits the pair of the previous word and this one, and returns this word's hash.
func (x *Extractor) pair(word []rune) uint32 {
	w, b, pair := hashByte(fnvOffset, 'w'), hashByte(fnvOffset, 'b'), hashByte(x.before, ' ')
	for _, r := range word {
		w, b, pair = hashRune(w, r), hashRune(b, r), hashRune(pair, r)
	}
	x.counts.words++
	if x.before != 0 {
		x.emit(pair)
	}
	x.before = b
	return w
}

// grams emits the character n-grams of a word that begins with its '<'. It adds the '>' and removes it again.
func (x *Extractor) grams(guarded []rune) []rune {
	g := append(guarded, '>')
	for i := range min(len(g)-2, maxStarts) {
		h := hashByte(fnvOffset, 'c')
		for n, r := range g[i:min(i+maxGram, len(g))] {
			h = hashRune(h, r)
			if n+1 >= minGram || n == 1 && g[i] >= denseScript && r >= denseScript {
				x.emitGram(h)
			}
		}
	}
	return g[:len(g)-1]
}

// fold emits the features of the word with its look-alikes replaced, if the result can be a Latin word.
func (x *Extractor) fold(word []rune) {
	var latin, foreign, changed, other bool
	f := append(x.folded[:0], '<')
	for _, r := range word {
		to := r
		switch {
		case r >= 'a' && r <= 'z':
			latin = true
		case r >= '0' && r <= '9':
			to = leet[r-'0']
		case r >= utf8.RuneSelf:
			if t := lookAlike(r); t != 0 {
				to = t
			}
			foreign = foreign || r >= 0x370 && r <= 0x52F
		}
		changed = changed || to != r
		other = other || to >= utf8.RuneSelf
		f = append(f, to)
	}
	x.folded = f
	if latin && foreign {
		x.signal("mixed")
	}
	if !changed || !latin && (!foreign || other) {
		return // nothing was replaced, or it is a number or a word of another script
	}
	if latin {
		x.signal("lookalike")
	}
	x.wordOnly(f[1:])
	x.folded = x.grams(f)
}

// leet maps digits to the letters that they are written for.
var leet = [10]rune{'o', 'i', '2', 'e', 'a', 's', '6', 't', 'b', '9'}

// lookAlike returns the Latin letter that a Cyrillic or Greek one looks like, or 0.
func lookAlike(r rune) rune {
	switch r {
	case 'а', 'α':
		return 'a'
	case 'в', 'β':
		return 'b'
	case 'с', 'ϲ':
		return 'c'
	case 'ԁ':
		return 'd'
	case 'е', 'ё', 'ε':
		return 'e'
	case 'һ', 'н':
		return 'h'
	case 'і', 'ї', 'ι':
		return 'i'
	case 'ј':
		return 'j'
	case 'к', 'κ':
		return 'k'
	case 'ӏ':
		return 'l'
	case 'м', 'μ':
		return 'm'
	case 'ո', 'η':
		return 'n'
	case 'о', 'ο', 'σ':
		return 'o'
	case 'р', 'ρ':
		return 'p'
	case 'ѕ':
		return 's'
	case 'т', 'τ':
		return 't'
	case 'υ':
		return 'u'
	case 'ν':
		return 'v'
	case 'ԝ', 'ω':
		return 'w'
	case 'х', 'χ':
		return 'x'
	case 'у', 'γ':
		return 'y'
	}
	return 0
}
