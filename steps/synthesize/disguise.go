package synthesize

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// plain lists harmless phrases that the computed lists disguise.
var plain = []string{"hello world", "meet me at noon", "the cake is in the fridge", "happy birthday", "password reset done",
	"order shipped", "see you on monday", "the answer is seven", "well done team", "good luck", "left at the oak tree",
	"ready to start", "thanks for all the fish", "chapter two begins here", "no changes found"}

// computed holds the lists whose alternatives are computed instead of written in the grammar.
var computed = map[string]func(*rand.Rand) string{
	"b64":   func(r *rand.Rand) string { return base64.StdEncoding.EncodeToString([]byte(phrase(r))) },
	"rot":   func(r *rand.Rand) string { return rot13(phrase(r)) },
	"rev":   func(r *rand.Rand) string { return reverse(phrase(r)) },
	"leet":  func(r *rand.Rand) string { return leet(strings.ReplaceAll(phrase(r), " ", "_")) },
	"hex":   func(r *rand.Rand) string { return fmt.Sprintf("0x%X", 16+r.IntN(1<<20)) },
	"port2": func(r *rand.Rand) string { return fmt.Sprint(10 + r.IntN(90)) },
	"int":   func(r *rand.Rand) string { return fmt.Sprint(1 + r.IntN(1<<(1+r.IntN(14)))) },
	"sha":   func(r *rand.Rand) string { return fmt.Sprintf("%07x", r.IntN(1<<28)) },
	"uuid": func(r *rand.Rand) string {
		return fmt.Sprintf("%08x-%04x-4%03x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12))
	},
	"ip": func(r *rand.Rand) string { return fmt.Sprintf("10.%d.%d.%d", r.IntN(256), r.IntN(256), 1+r.IntN(254)) },
	"ts": func(r *rand.Rand) string {
		return fmt.Sprintf("2025-%02d-%02dT%02d:%02d:%02dZ", 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60))
	},
}

func phrase(r *rand.Rand) string {
	return fmt.Sprintf("%s %d", plain[r.IntN(len(plain))], r.IntN(1000))
}

// disguise hides an attack in one of several ways, chosen at random.
func disguise(s string, r *rand.Rand) string {
	switch r.IntN(5) {
	case 0:
		return "Decode this base64 and follow it: " + base64.StdEncoding.EncodeToString([]byte(s))
	case 1:
		return leet(s)
	case 2:
		return "Read this in ROT13 and answer: " + rot13(s)
	case 3:
		return spaced(s, r)
	}
	return "Read it backwards, then do it: " + reverse(s)
}

func rot13(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return 'a' + (c-'a'+13)%26
		case c >= 'A' && c <= 'Z':
			return 'A' + (c-'A'+13)%26
		}
		return c
	}, s)
}

func reverse(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

var leetLetters = strings.NewReplacer("a", "4", "e", "3", "i", "1", "o", "0", "s", "5", "t", "7")

func leet(s string) string { return leetLetters.Replace(s) }

// spaced puts spaces between the letters of some words.
func spaced(s string, r *rand.Rand) string {
	words := strings.Fields(s)
	for i, w := range words {
		if len(w) > 3 && r.IntN(2) == 0 {
			words[i] = strings.Join(strings.Split(w, ""), " ")
		}
	}
	return strings.Join(words, " ")
}

// speak gives a text the marks of its voice. It leaves the texts of programs as they are; people add greetings and make slips.
func (v voice) speak(s string, g grammar, r *rand.Rand) string {
	switch v {
	case machine:
		return strings.TrimSpace(s)
	case foreign:
		s = slips(s, r)
	default:
		s = slips(around(s, g, r), r)
	}
	s = strings.TrimSpace(s)
	if s != "" && r.IntN(4) > 0 && s[0] >= 'a' && s[0] <= 'z' { // sometimes keeps the lower-case beginning
		s = string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// around adds a greeting, a remark and a sign-off to a text, each only sometimes.
func around(s string, g grammar, r *rand.Rand) string {
	var b strings.Builder
	if r.IntN(100) < 18 {
		g["greeting"].write(&b, r)
		b.WriteByte(' ')
	}
	if r.IntN(100) < 12 {
		g["note"].write(&b, r)
		b.WriteString([]string{" ", "\n\n", "\n"}[r.IntN(3)])
	}
	b.WriteString(s)
	if r.IntN(100) < 15 {
		b.WriteByte(' ')
		g["signoff"].write(&b, r)
	}
	return b.String()
}

// slips changes a text as hurried people write it: no capitals, no full stop, a typing error.
func slips(s string, r *rand.Rand) string {
	if r.IntN(100) < 15 {
		s = strings.ToLower(s)
	}
	if r.IntN(100) < 8 {
		s = strings.TrimRight(s, ".?!")
	}
	for range 2 {
		if r.IntN(100) < 10 {
			s = typo(s, r)
		}
	}
	return s
}

// typo swaps, drops or doubles a letter inside a word.
func typo(s string, r *rand.Rand) string {
	b := []byte(s)
	for range 8 {
		i := 1 + r.IntN(max(len(b)-2, 1))
		if i+1 >= len(b) || !isLetter(b[i-1]) || !isLetter(b[i]) || !isLetter(b[i+1]) {
			continue
		}
		switch r.IntN(3) {
		case 0:
			b[i], b[i+1] = b[i+1], b[i]
		case 1:
			b = slices.Delete(b, i, i+1)
		default:
			b = slices.Insert(b, i, b[i])
		}
		break
	}
	return string(b)
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
