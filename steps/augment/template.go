package augment

import (
	"math/rand/v2"
	"strings"
)

// family holds what variations of one category's attacks are made from besides their own row: the other attacks, and a template grammar
// that is learned from them. Words that many attacks share are a template's frame. What stands between two frame words is a slot. It may be
// replaced by what stands between the same two frame words in another attack.
type family struct {
	attacks   *ring
	templates *ring
	frame     map[string]bool
	fillers   map[string]*ring // by the frame words around the slot
}

const (
	grammarTexts = 4000 // largest number of attacks that a grammar is learned from
	grammarWords = 200  // attacks with more words aren't used for a grammar
	slotWords    = 8    // a longer run between frame words is no slot and stays as it is
	between      = "\x1f"
	slotMark     = "\x01"
)

func newFamily(texts []string) *family {
	f := &family{attacks: newRing(texts), frame: map[string]bool{}, fillers: map[string]*ring{}}
	sample := f.attacks.first(grammarTexts)
	count := map[string]int{}
	for _, s := range sample {
		seen := map[string]bool{}
		for _, w := range grammarFields(s) {
			if k := frameKey(w); !seen[k] {
				seen[k] = true
				count[k]++
			}
		}
	}
	for w, n := range count {
		if n >= max(3, len(sample)/40) {
			f.frame[w] = true
		}
	}
	var templates []string
	fillers := map[string][]string{}
	for _, s := range sample {
		t := f.template(s)
		if t == "" {
			continue
		}
		templates = append(templates, t)
		for _, slot := range slotsOf(strings.Split(t, between)) {
			fillers[slot.context] = append(fillers[slot.context], slot.text)
		}
	}
	f.templates = newRing(templates)
	for context, texts := range fillers {
		f.fillers[context] = newRing(texts)
	}
	return f
}

func (f *family) ring(name string) *ring {
	switch name {
	case attackRing:
		return f.attacks
	case templateRing:
		return f.templates
	}
	return f.fillers[strings.TrimPrefix(name, fillerRing)]
}

// grammarFields returns the words of a text, or none if the text is too long for a template.
func grammarFields(s string) []string {
	if w := strings.Fields(s); len(w) >= 4 && len(w) <= grammarWords {
		return w
	}
	return nil
}

// frameKey returns a word in lower case without punctuation.
func frameKey(w string) string { return strings.ToLower(strings.Trim(w, ".,;:!?\"'()[]")) }

// template returns a text divided into frame words and slots, or "" if it has no frame or no slot.
func (f *family) template(s string) string {
	words := grammarFields(s)
	var parts []string
	frames, slots := 0, 0
	for i := 0; i < len(words); {
		j := i
		for j < len(words) && !f.frame[frameKey(words[j])] {
			j++
		}
		switch n := j - i; {
		case n == 0:
			parts = append(parts, words[i])
			frames++
			j++
		case n <= slotWords:
			parts = append(parts, slotMark+strings.Join(words[i:j], " "))
			slots++
		default:
			parts = append(parts, strings.Join(words[i:j], " "))
		}
		i = j
	}
	if frames < 2 || slots == 0 {
		return ""
	}
	return strings.Join(parts, between)
}

// slot is a place in a template that can be filled with other words.
type slot struct {
	part    int // index among the template's parts
	text    string
	context string // frame words around it
}

func slotsOf(parts []string) []slot {
	var out []slot
	for i, p := range parts {
		s, ok := strings.CutPrefix(p, slotMark)
		if !ok {
			continue
		}
		before, after := "^", "$"
		if i > 0 {
			before = frameKey(parts[i-1])
		}
		if i+1 < len(parts) {
			after = frameKey(parts[i+1])
		}
		out = append(out, slot{i, s, before + " " + after})
	}
	return out
}

// synthesize writes an attack from a template, most often the row's own, and fills the slots from other attacks.
func (r *reader) synthesize(s string, rng *rand.Rand) (string, bool) {
	t := r.template(s)
	if t == "" || rng.IntN(4) == 0 {
		t = r.pick(templateRing, rng)
	}
	parts := strings.Split(t, between)
	changed := false
	for _, slot := range slotsOf(parts) {
		parts[slot.part] = slot.text
		if rng.Float64() > 0.7 {
			continue
		}
		filler := r.pick(fillerRing+slot.context, rng)
		if filler != "" && filler != slot.text {
			parts[slot.part], changed = filler, true
		}
	}
	return strings.Join(parts, " "), changed
}
