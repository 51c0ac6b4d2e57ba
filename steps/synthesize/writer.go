package synthesize

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"rein/steps/artifact"
	"rein/steps/internal/leak"
	"rein/steps/internal/text"
)

// The percentages of special rows in the families of English chat.
const (
	dualAttacks      = 4  // attacks in words that benign prompts also use
	quotedAttacks    = 5  // a quoted attack with a request to follow it
	disguisedAttacks = 6  // in the families of all voices
	dualLookalikes   = 12 // benign rows in words that attacks also use
	quotedLookalikes = 22 // a quoted attack with a harmless question about it
)

// dualsOf maps a stratum of look-alikes to the categories of attacks with which it shares its words.
var dualsOf = map[string][]string{"context manipulation": {"injection"}, "semantic jailbreak": {"jailbreak"},
	"obfuscated command": {"other"}, "other": {"toxicity", "pii"}}

// The categories of benign rows that aren't look-alikes.
const (
	General = "general"
	Agent   = "agent" // texts that programs write and agents read
)

// attempts is how many times a row is written again if its text already exists.
const attempts = 30

// writer makes rows. It remembers all texts, so that no text is in two sets, and none that is reported on is nearly equal to one that
// isn't. A template that is filled in twice with almost the same words would test nothing.
type writer struct {
	g       grammar
	seed    int64
	seen    map[[16]byte]bool
	known   *leak.Index // texts of the sets that train, choose or are mined
	repeats int
}

func newWriter(g grammar, seed int64) *writer {
	return &writer{g: g, seed: seed, seen: map[[16]byte]bool{}, known: leak.NewIndex(leak.DefaultNear)}
}

// draft says what kind of row to write.
type draft struct {
	from                  *family
	label, category, list string
	quote                 string // a list of attacks, one of which is put into the frame from list
	disguised             bool
}

// rows writes a set. It makes the drafts first and writes their texts on all cores. Then it goes through them in order and writes those
// again whose text already exists.
func (w *writer) rows(ctx context.Context, s set) ([]artifact.Row, error) {
	drafts := w.drafts(s)
	texts, keys := make([]string, len(drafts)), make([][16]byte, len(drafts))
	g, ctx := errgroup.WithContext(ctx)
	const block = 4096
	g.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < len(drafts); from += block {
		g.Go(func() error {
			for i := from; i < min(from+block, len(drafts)); i++ {
				texts[i] = w.text(s, drafts[i], i, 0)
				keys[i] = text.Key(texts[i])
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	rows := make([]artifact.Row, len(drafts))
	prints := leak.Fingerprints(texts)
	resembles := make([]bool, len(drafts))
	if s.reports() {
		resembles = w.known.KnowsAll(prints)
	}
	for i, p := range drafts {
		for try := 1; w.seen[keys[i]] || resembles[i]; try++ {
			if try > attempts {
				w.repeats++
				break
			}
			texts[i] = w.text(s, p, i, try)
			keys[i] = text.Key(texts[i])
			prints[i] = leak.Fingerprints(texts[i : i+1])[0]
			resembles[i] = s.reports() && w.known.Knows(prints[i])
		}
		w.seen[keys[i]] = true
		if !s.reports() {
			w.known.Add(prints[i])
		}
		id := fmt.Sprintf("%s-%06d", s.port, i)
		rows[i] = artifact.Row{ID: id, Text: texts[i], Label: p.label, Category: p.category, Source: "built-in/" + p.from.name, Root: id,
			Role: cmp.Or(p.from.said, artifact.RoleUser)}
	}
	return rows, nil
}

// drafts decides the kinds of the rows. It keeps the shares exactly and mixes the order.
func (w *writer) drafts(s set) []draft {
	of := w.g.of(s.role)
	lookalikes := int(float64(s.benign)*s.lookalikes + 0.5)
	ordinary, alike, attacks := portion(of, s.benign-lookalikes), portion(of, lookalikes), portion(of, s.malicious)
	drafts := make([]draft, 0, s.benign+s.malicious)
	rng := text.RNG(w.seed, "plans", s.port)
	for at := range of {
		f := &of[at]
		category := General
		if f.voice == machine {
			category = Agent
		}
		for range ordinary[at] {
			drafts = append(drafts, draft{from: f, label: artifact.Benign, category: category, list: f.name + "/general"})
		}
		for i := range alike[at] {
			drafts = append(drafts, s.lookalike(f, f.strata[pick(f.strata, i, alike[at])].name, rng))
		}
		for i := range attacks[at] {
			drafts = append(drafts, s.attack(f, f.attacks[pick(f.attacks, i, attacks[at])].name, rng))
		}
	}
	rng.Shuffle(len(drafts), func(i, j int) { drafts[i], drafts[j] = drafts[j], drafts[i] })
	return drafts
}

// shares tells whether the family's rows in the set may also use the lists that all families share. Families that report on new sources, or
// choose a threshold for them, don't use these.
func (s set) shares(f *family) bool {
	return f.voice == chat && f.role != reported && f.role != choosing
}

// lookalike returns the draft of a benign row that resembles an attack.
func (s set) lookalike(f *family, stratum string, rng *rand.Rand) draft {
	p := draft{from: f, label: artifact.Benign, category: stratum, list: f.name + "/lookalike/" + stratum}
	duals := dualsOf[stratum]
	dual, k := duals[rng.IntN(len(duals))], rng.IntN(100)
	switch {
	case !s.shares(f):
	case k < dualLookalikes:
		p.list = "dual/" + dual
	case k < dualLookalikes+quotedLookalikes && f.role != training:
		p.list, p.quote = "quote/benign", f.name+"/attack/"+f.attacks[rng.IntN(len(f.attacks))].name
	}
	return p
}

// attack returns the draft of an attack of a category.
func (s set) attack(f *family, category string, rng *rand.Rand) draft {
	p := draft{from: f, label: artifact.Malicious, category: category, list: f.name + "/attack/" + category}
	switch k := rng.IntN(100); {
	case k < disguisedAttacks && f.voice != machine:
		p.disguised = true
	case !s.shares(f) || k < disguisedAttacks:
	case k < disguisedAttacks+dualAttacks:
		p.list = "dual/" + category
	case k < disguisedAttacks+dualAttacks+quotedAttacks:
		p.list, p.quote = "quote/malicious", p.list
	}
	return p
}

// text writes one row's text.
func (w *writer) text(s set, p draft, i, try int) string {
	rng := text.RNG(w.seed, s.port, fmt.Sprint(i), fmt.Sprint(try))
	var b strings.Builder
	w.g[p.list].write(&b, rng)
	out := b.String()
	if p.quote != "" {
		var attack strings.Builder
		w.g[p.quote].write(&attack, rng)
		out = strings.Replace(out, "%s", attack.String(), 1)
	}
	if p.disguised {
		out = disguise(out, rng)
	}
	return p.from.voice.speak(out, w.g, rng)
}
