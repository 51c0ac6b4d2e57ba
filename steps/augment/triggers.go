package augment

import (
	"hash/maphash"
	"slices"

	"rein/steps/artifact"
	"rein/steps/internal/text"
)

// triggers are spans of one to three words that attacks have and benign texts don't. They make an attack an attack: a variation that lost
// too many of them may be harmless, and its label wrong.
type triggers struct {
	seed  maphash.Seed
	spans map[uint64]bool
}

const (
	triggerTexts = 5000 // largest number of texts of each label in which spans are counted
	triggerWords = 200  // largest number of words of each text
	triggerOften = 3    // smallest number of attacks that a trigger is in
	triggerOdds  = 4    // smallest odds of a trigger to be in an attack rather than in a benign text
)

// sample keeps the texts with the lowest keys. So it doesn't depend on the order of the texts, and hardly changes when texts are added or
// removed.
type sample struct {
	keys  [][16]byte
	texts map[[16]byte]string
}

func (s *sample) add(key [16]byte, t string) {
	if s.texts == nil {
		s.texts = map[[16]byte]string{}
	}
	if _, there := s.texts[key]; there {
		return
	}
	s.keys, s.texts[key] = append(s.keys, key), t
	if len(s.keys) >= 2*triggerTexts {
		s.cut()
	}
}

func (s *sample) cut() {
	slices.SortFunc(s.keys, func(a, b [16]byte) int { return slices.Compare(a[:], b[:]) })
	for _, k := range s.keys[min(triggerTexts, len(s.keys)):] {
		delete(s.texts, k)
	}
	s.keys = s.keys[:min(triggerTexts, len(s.keys))]
}

// learnTriggers finds the triggers. There are none if one of the labels has no texts.
func learnTriggers(attacks, benign *sample) *triggers {
	t := &triggers{seed: maphash.MakeSeed(), spans: map[uint64]bool{}}
	attacks.cut()
	benign.cut()
	if len(attacks.keys) == 0 || len(benign.keys) == 0 {
		return t
	}
	in, out := t.count(attacks), t.count(benign)
	scale := (float64(len(benign.keys)) + 1) / (float64(len(attacks.keys)) + 1)
	for span, n := range in {
		if n >= triggerOften && (float64(n)+0.5)/(float64(out[span])+0.5)*scale >= triggerOdds {
			t.spans[span] = true
		}
	}
	return t
}

// count returns for each span the number of texts that have it.
func (t *triggers) count(s *sample) map[uint64]int {
	out := map[uint64]int{}
	for _, k := range s.keys {
		for span := range t.of(s.texts[k], nil) {
			out[span]++
		}
	}
	return out
}

// of returns the different spans of a text that are in known. If known is nil, it returns all of them.
func (t *triggers) of(s string, known map[uint64]bool) map[uint64]bool {
	words := text.Words(s)
	words = words[:min(len(words), triggerWords)]
	out := map[uint64]bool{}
	var h maphash.Hash
	h.SetSeed(t.seed)
	for i := range words {
		h.Reset()
		for j := i; j < min(i+3, len(words)); j++ {
			h.WriteString(words[j])
			h.WriteByte(0)
			if span := h.Sum64(); known == nil || known[span] {
				out[span] = true
			}
		}
	}
	return out
}

// kept tells whether a variation has at least the given share of its row's number of triggers.
func (t *triggers) kept(row int, variation string, share float64) bool {
	return float64(len(t.of(variation, t.spans))) >= share*float64(row)
}

// keepTriggers leaves out variations of attacks that lost too many triggers. In a disguised variation it counts the triggers of the text
// before the disguise.
func (w *writer) keepTriggers(jobs []job, cands [][]candidate) {
	for i, j := range jobs {
		r := w.rows[j.row]
		if r.Label != artifact.Malicious {
			continue
		}
		n := len(w.triggers.of(r.Text, w.triggers.spans))
		if n == 0 {
			w.unchecked++
			continue
		}
		cands[i] = slices.DeleteFunc(cands[i], func(c candidate) bool {
			says := c.Text
			if c.Says != "" {
				says = c.Says
			}
			if w.triggers.kept(n, says, w.config.Triggers) {
				return false
			}
			w.reject("too few of its attack's trigger words are left", c.Text)
			return true
		})
	}
}
